#include "lore/data/load_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>

#include "lore/core/error.h"
#include "lore/data/bad_rows.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/data/kept_messages.h"
#include "unit/data/toy_tokenizer.h"

using lore::Dataset;
using lore::Overlong;
using lore::PersonalDataPolicy;
using lore::RepeatPolicy;
using lore::RowSettings;
using lore::SourceCounts;
using lore::SourceSpec;

namespace {

namespace fs = std::filesystem;

class NamedTokenizer : public ToyTokenizer {
 public:
  explicit NamedTokenizer(const std::string& name) { sha256_ = name; }
};

/// A folder of data beside a folder of caches.
struct Workplace {
  TemporaryFolder folder;
  KeptMessages messages;
  lore::ExampleBuilder builder{std::make_shared<ToyTokenizer>(), std::nullopt, {}};
  RowSettings settings{1000, Overlong::kError, PersonalDataPolicy::kIgnore, false};

  Dataset load(const std::vector<SourceSpec>& sources, int threads = 2) {
    const lore::CacheFolder cache({folder / "tokens", fs::temp_directory_path()}, messages);
    return lore::load_dataset(sources, builder, settings, cache, threads, messages);
  }
  std::size_t caches() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder / "tokens")) {
      count += entry.path().extension() == ".tokens" ? 1 : 0;
    }
    return count;
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
    return folder / name;
  }
  /// Row i, from 0, has a prompt of i + 1 bytes and a completion of 3, so i + 5 tokens.
  std::string write_rows(const std::string& name, int rows) const {
    std::string text;
    for (int i = 0; i < rows; ++i) {
      text += fmt::format("{{\"prompt\": \"{}\", \"completion\": \"abc\"}}\n",
                          std::string(static_cast<std::size_t>(i) + 1, 'p'));
    }
    return write(name, text);
  }
};

std::vector<std::string> sources_of(const Dataset& dataset) {
  std::vector<std::string> sources;
  for (std::int64_t i = 0; i < dataset.count(); ++i) {
    sources.push_back(dataset.view(i).source);
  }
  return sources;
}

std::string text_of(const Dataset& dataset, std::int64_t i) {
  return ToyTokenizer().decode(dataset.view(i).ids, false);
}

bool same_examples(const Dataset& a, const Dataset& b) {
  bool same = a.count() == b.count() && a.sources() == b.sources();
  for (std::int64_t i = 0; same && i < a.count(); ++i) {
    const auto x = a.view(i);
    const auto y = b.view(i);
    same =
        std::ranges::equal(x.ids, y.ids) && std::ranges::equal(x.trained, y.trained) && x.source == y.source;
  }
  return same;
}

void check_no_row_is_lost(const Dataset& dataset) {
  for (const SourceCounts& source : dataset.sources()) {
    CAPTURE(describe(source));
    CHECK(source.rows ==
          source.used + source.held_out + source.bad + source.dropped + source.duplicates + source.leaked);
  }
  const auto lengths = dataset.lengths();
  CHECK(dataset.tokens() == std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}));
  std::int64_t examples = 0;
  for (const SourceCounts& source : dataset.sources()) {
    examples += source.examples;
  }
  CHECK(examples == dataset.count());
}

/// One of everything that can become of a row.
std::string mixed_rows() {
  const std::string answer = "the settlement of an invoice comes due thirty days after its date, not before";
  return "{\"prompt\": \"q\", \"completion\": \"" + answer +
         "\"}\n"
         "{\"prompt\": \"q\", \"completion\": \"" +
         answer +
         "\"}\n"
         "{\"broken\n"
         "{\"x\": 1}\n"
         "{\"prompt\": \"long\", \"completion\": \"" +
         std::string(500, 'y') +
         "\"}\n"
         "{\"text\": \"" +
         std::string(300, 'z') +
         "\"}\n"
         "{\"prompt\": \"" +
         std::string(150, 'w') + "\", \"completion\": \"ends\"}\n";
}

}  // namespace

TEST_CASE("examples keep the order of sources and rows for any number of threads, cached or not") {
  Workplace place;
  const std::vector<SourceSpec> sources = {{.path = place.write_rows("a.jsonl", 150), .limit = 100},
                                           {.path = place.write_rows("b.jsonl", 30)}};
  const Dataset one = place.load(sources, 1);
  REQUIRE(one.count() == 130);
  CHECK(one.view(100).source == (place.folder / "b.jsonl").string() + ":1");
  CHECK(same_examples(one, place.load(sources, 1)));
  for (const int threads : {2, 7}) {
    fs::remove_all(place.folder / "tokens");
    CHECK(same_examples(one, place.load(sources, threads)));
  }
  REQUIRE(one.sources().size() == 2);
  CHECK(one.sources()[0].rows == 100);
  CHECK(one.sources()[1].examples == 30);
  CHECK(one.sources()[1].tokens == 30 * 5 + 29 * 30 / 2);
  CHECK(one.sources()[1].trained_tokens == 30 * 4);
  CHECK(one.trained_tokens() == 130 * 4);
  REQUIRE(one.files.size() == 2);
  CHECK(one.files[0].sha256.size() == 64);
  check_no_row_is_lost(one);
  CHECK_THROWS_AS(one.view(130), lore::Error);
}

TEST_CASE("what is done with a row that is too long") {
  Workplace place;
  const std::vector<SourceSpec> sources = {{.path = place.write_rows("a.jsonl", 10)}};
  place.settings.max_length = 12;
  const Dataset refused = place.load(sources);
  check_no_row_is_lost(refused);
  CHECK_THROWS_WITH(lore::report_bad_rows({&refused}, lore::BadRowPolicy::kError, place.messages),
                    Catch::Contains("2 rows") &&
                        Catch::Contains("a.jsonl:9: has 13 tokens, more than data.max_length 12") &&
                        Catch::Contains("a.jsonl:10: "));
  place.settings.overlong = Overlong::kDrop;
  const Dataset dropped = place.load(sources);
  CHECK(dropped.count() == 8);
  CHECK(dropped.sources()[0].dropped == 2);
  place.settings.overlong = Overlong::kTruncateLeft;
  CHECK(text_of(place.load(sources), 9) == "ppppppppabc</s>");
  place.settings.overlong = Overlong::kSplit;
  const Dataset split = place.load(sources);
  CHECK(split.sources()[0].split == 2);
  CHECK(split.count() == 12);
  CHECK(split.trained_tokens() == 10 * 4);
  place.settings.max_length = 1;
  CHECK_THROWS_AS(place.load(sources), lore::Error);
}

TEST_CASE("plain text is trained whole, and split where it is long") {
  Workplace place;
  place.settings.max_length = 10;
  const std::vector<SourceSpec> sources = {
      {.path = place.write("a.jsonl", "{\"text\": \"0123456789abcdefghij\"}\n{\"text\": \"short\"}\n")}};
  const Dataset dataset = place.load(sources);
  REQUIRE(dataset.count() == 4);
  CHECK(text_of(dataset, 0) == "0123456789");
  CHECK(text_of(dataset, 1) == "9abcdefghi");
  CHECK(text_of(dataset, 2) == "ij</s>");
  CHECK(text_of(dataset, 3) == "short</s>");
  CHECK(dataset.trained_tokens() == 20 + 5);
  CHECK(dataset.sources()[0].rows == 2);
  check_no_row_is_lost(dataset);
}

TEST_CASE("bad rows of all sources are reported together, and kept for the rejects file") {
  Workplace place;
  const std::string good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
  const Dataset a = place.load({{.path = place.write("a.jsonl", "{\"x\": 1}\n" + good + "{\"y\n")}});
  const Dataset b = place.load({{.path = place.write("b.jsonl", "{\"z\": 1}\n" + good)}});
  CHECK_THROWS_WITH(lore::report_bad_rows({&a, &b}, lore::BadRowPolicy::kError, place.messages),
                    Catch::Contains("3 rows") && Catch::Contains("a.jsonl:1: ") &&
                        Catch::Contains("a.jsonl:3: ") && Catch::Contains("b.jsonl:1: "));
  CHECK(place.messages.texts.empty());
  lore::report_bad_rows({&a, &b}, lore::BadRowPolicy::kSkip, place.messages);
  CHECK_THAT(place.messages.all(), Catch::Contains("3 rows that cannot be used, left out"));
  CHECK(a.count() == 1);
  const fs::path rejects = place.folder / "rejects.jsonl";
  CHECK(lore::write_rejects(rejects, {&a, &b}) == 3);
  std::ifstream file(rejects);
  std::string line;
  std::vector<nlohmann::json> lines;
  while (std::getline(file, line)) {
    lines.push_back(nlohmann::json::parse(line));
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["source"] == (place.folder / "a.jsonl").string() + ":1");
  CHECK(lines[0]["row"] == "{\"x\":1}");
  CHECK(lines[1]["row"] == "{\"y");
  CHECK(fs::status(rejects).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  const Dataset good_only = place.load({{.path = place.write("c.jsonl", good)}});
  lore::report_bad_rows({&good_only}, lore::BadRowPolicy::kError, place.messages);
  CHECK(lore::write_rejects(place.folder / "none.jsonl", {&good_only}) == 0);
  CHECK_FALSE(fs::exists(place.folder / "none.jsonl"));
  CHECK(lore::parse_bad_row_policy("skip") == lore::BadRowPolicy::kSkip);
  CHECK_THROWS_AS(lore::parse_bad_row_policy("ignore"), lore::Error);
}

TEST_CASE("no more than twenty bad rows are listed, all are counted") {
  Workplace place;
  std::string rows;
  for (int i = 0; i < 1000; ++i) {
    rows += "{\"x\": 1}\n";
  }
  const Dataset dataset = place.load({{.path = place.write("a.jsonl", rows)}});
  CHECK_THROWS_WITH(lore::report_bad_rows({&dataset}, lore::BadRowPolicy::kError, place.messages),
                    Catch::Contains("1000 rows") && Catch::Contains("a.jsonl:20: ") &&
                        !Catch::Contains("a.jsonl:21: ") && Catch::Contains("and 980 more"));
}

TEST_CASE("every row is used or reported, whatever the policies are") {
  for (const Overlong overlong : {Overlong::kError, Overlong::kSplit, Overlong::kTruncateRight,
                                  Overlong::kTruncateLeft, Overlong::kDrop}) {
    for (const RepeatPolicy duplicates :
         {RepeatPolicy::kIgnore, RepeatPolicy::kReport, RepeatPolicy::kDrop}) {
      for (const bool leak : {false, true}) {
        CAPTURE(static_cast<int>(overlong), static_cast<int>(duplicates), leak);
        Workplace place;
        place.settings = {100, overlong, PersonalDataPolicy::kReport, true};
        Dataset train = place.load(
            {{.path = place.write("a.jsonl", mixed_rows())}, {.path = place.write("b.jsonl", mixed_rows())}});
        const Dataset validation = place.load({{.path = place.write("v.jsonl", mixed_rows())}});
        check_no_row_is_lost(train);
        CHECK(train.sources()[0].rows == 7);
        CHECK(train.sources()[0].bad >= 2);
        apply_duplicates(train, duplicates, place.messages);
        check_no_row_is_lost(train);
        CHECK((train.sources()[0].duplicates > 0) == (duplicates == RepeatPolicy::kDrop));
        CHECK((train.sources()[1].duplicates_found > 1) == (duplicates != RepeatPolicy::kIgnore));
        const std::int64_t duplicates_left_out =
            train.sources()[0].duplicates + train.sources()[1].duplicates;
        if (leak) {
          apply_leakage(train, validation, RepeatPolicy::kDrop, place.messages);
          check_no_row_is_lost(train);
          CHECK(train.count() == 0);
        } else {
          const Dataset held_out = split_validation(train, 0.5, 1);
          check_no_row_is_lost(train);
          check_no_row_is_lost(held_out);
          CHECK(train.sources()[0].held_out + train.sources()[1].held_out ==
                held_out.sources()[0].used + held_out.sources()[1].used);
        }
        std::int64_t left_out = 0;
        for (const SourceCounts& source : train.sources()) {
          left_out += source.bad + source.dropped + source.duplicates + source.leaked;
        }
        CHECK(lore::write_rejects(place.folder / "rejects.jsonl", {&train}) == left_out);
        CHECK((duplicates != RepeatPolicy::kDrop || duplicates_left_out > 0));
      }
    }
  }
}

TEST_CASE("duplicates and leaks can be an error that names the rows") {
  Workplace place;
  place.settings.signatures = true;
  Dataset train = place.load({{.path = place.write("a.jsonl", mixed_rows())}});
  CHECK_THROWS_WITH(apply_duplicates(train, RepeatPolicy::kError, place.messages),
                    Catch::Contains("data.duplicates: 1 training row says") ||
                        Catch::Contains("a.jsonl:2: says the same as"));
  CHECK_THROWS_WITH(apply_leakage(train, train, RepeatPolicy::kError, place.messages),
                    Catch::Contains("data.leakage") && Catch::Contains("a.jsonl:1: says the same as"));
}

TEST_CASE("a cache is made anew for whatever changes the tokens, and only for that") {
  Workplace place;
  const std::string rows =
      "{\"prompt\": \"mail a@example.com\", \"completion\": \"yes\"}\n{\"q\": \"a\", \"a\": \"b\"}\n";
  SourceSpec source{.path = place.write("a.jsonl", rows)};
  place.load({source});
  CHECK(place.caches() == 1);
  std::size_t expected = 1;
  const auto is_made_anew = [&] {
    place.load({source});
    const bool anew = place.caches() == ++expected;
    expected = place.caches();
    return anew;
  };
  CHECK_FALSE(is_made_anew());
  source.weight = 3;
  CHECK_FALSE(is_made_anew());

  place.write("a.jsonl", rows + rows);
  CHECK(is_made_anew());
  source.limit = 1;
  CHECK(is_made_anew());
  source.encoding = "utf-8";
  CHECK(is_made_anew());
  source.columns = {{"prompt", "prompt"}};
  CHECK(is_made_anew());
  source.format = "prompt_completion";
  CHECK(is_made_anew());
  place.settings.max_length = 999;
  CHECK(is_made_anew());
  place.settings.overlong = Overlong::kDrop;
  CHECK(is_made_anew());
  place.settings.personal_data = PersonalDataPolicy::kMask;
  CHECK(is_made_anew());
  place.settings.signatures = true;
  CHECK(is_made_anew());
  const auto with = [&](const std::string& tokenizer, const char* chat_template,
                        const lore::ExampleSettings& settings) {
    std::optional<lore::ChatTemplate> compiled;
    if (chat_template != nullptr) {
      compiled = lore::ChatTemplate::compile(chat_template, "t");
    }
    place.builder = lore::ExampleBuilder(std::make_shared<NamedTokenizer>(tokenizer), compiled, settings);
  };
  with("another", nullptr, {});
  CHECK(is_made_anew());
  with("another", "{{ messages[0].content }}", {});
  CHECK(is_made_anew());
  with("another", "{{ messages[0].content }} ", {});
  CHECK(is_made_anew());
  lore::ExampleSettings settings;
  settings.template_for_text_pairs = true;
  with("another", "{{ messages[0].content }} ", settings);
  CHECK(is_made_anew());
  settings.train_on = lore::TrainOn::kLast;
  with("another", "{{ messages[0].content }} ", settings);
  CHECK(is_made_anew());
  settings.now = "1";
  with("another", "{{ messages[0].content }} ", settings);
  CHECK(is_made_anew());
  settings.ensures_bos = true;
  with("another", "{{ messages[0].content }} ", settings);
  CHECK(is_made_anew());
}

TEST_CASE("a source of several files depends on each of them, their names and which there are") {
  Workplace place;
  fs::create_directory(place.folder / "data");
  place.write("data/a.jsonl", "{\"prompt\": \"1\", \"completion\": \"1\"}\n");
  place.write("data/b.jsonl", "{\"prompt\": \"2\", \"completion\": \"2\"}\n");
  const std::vector<SourceSpec> sources = {{.path = place.folder / "data"}};
  CHECK(place.load(sources).count() == 2);
  place.write("data/b.jsonl", "{\"prompt\": \"3\", \"completion\": \"3\"}\n");
  CHECK(text_of(place.load(sources), 1) == "33</s>");
  fs::rename(place.folder / "data/b.jsonl", place.folder / "data/c.jsonl");
  CHECK(sources_of(place.load(sources))[1] == (place.folder / "data/c.jsonl").string() + ":1");
  fs::remove(place.folder / "data/c.jsonl");
  const Dataset one = place.load(sources);
  CHECK(one.count() == 1);
  CHECK(one.files.size() == 1);
  CHECK(place.caches() == 4);
}

TEST_CASE("a warm start says the same as a cold one") {
  Workplace place;
  place.settings = {100, Overlong::kDrop, PersonalDataPolicy::kReport, true};
  const auto said = [&] {
    KeptMessages& messages = place.messages;
    messages.texts.clear();
    const std::string mail =
        "{\"prompt\": \"write to ann.lee@example.com\", \"completion\": \"yes, I will\"}\n";
    Dataset train = place.load({{.path = place.write("a.jsonl", mixed_rows() + mail)}});
    lore::report_bad_rows({&train}, lore::BadRowPolicy::kSkip, messages);
    apply_duplicates(train, RepeatPolicy::kDrop, messages);
    lore::write_rejects(place.folder / "rejects.jsonl", {&train});
    std::ifstream file(place.folder / "rejects.jsonl");
    return messages.all() + describe(train.sources()[0]) +
           std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string cold = said();
  CHECK_THAT(cold, Catch::Contains("1 of 8 rows hold personal data (1 email)") &&
                       Catch::Contains("a.jsonl:8") && !Catch::Contains("ann.lee"));
  CHECK_THAT(said(), Catch::Contains("a.jsonl: tokenized data from the cache\n") && Catch::EndsWith(cold));
  fs::remove_all(place.folder / "tokens");
  CHECK(said() == cold);
}

TEST_CASE("the validation split is a function of the seed, and every row is on one side") {
  Workplace place;
  place.settings.max_length = 20;
  place.settings.overlong = Overlong::kSplit;
  const std::vector<SourceSpec> sources = {{.path = place.write_rows("a.jsonl", 50)}};
  const auto split = [&](std::uint64_t seed) {
    Dataset train = place.load(sources);
    const Dataset validation = split_validation(train, 0.1, seed);
    CHECK(validation.rows().size() == 5);
    CHECK(train.rows().size() == 45);
    check_no_row_is_lost(train);
    std::vector<std::string> all = sources_of(validation);
    const auto rest = sources_of(train);
    // Pieces of one row stay together.
    for (const std::string& source : all) {
      CHECK(std::count(rest.begin(), rest.end(), source) == 0);
    }
    all.insert(all.end(), rest.begin(), rest.end());
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 50);
    return sources_of(validation);
  };
  CHECK(split(1) == split(1));
  CHECK(split(1) != split(2));
}

TEST_CASE("a split that leaves a side empty is refused") {
  Workplace place;
  Dataset one = place.load({{.path = place.write_rows("a.jsonl", 1)}});
  CHECK_THROWS_AS(split_validation(one, 0.5, 1), lore::Error);
  Dataset two = place.load({{.path = place.write_rows("b.jsonl", 2)}});
  CHECK_THROWS_AS(split_validation(two, 1.0, 1), lore::Error);
  CHECK(split_validation(two, 0.01, 1).count() == 1);
}
