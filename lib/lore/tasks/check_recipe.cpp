#include "lore/tasks/check_recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "lore/adapters/lora.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/trained_parts.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_reader.h"
#include "lore/data/visible_text.h"
#include "lore/formats/adapter_config.h"
#include "lore/nn/weight_source.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/training_data.h"

namespace lore {
namespace {

constexpr std::size_t kShownRows = 5;

/// What the first rows of a source came to.
struct SourceSample {
  std::int64_t rows = 0;
  std::int64_t examples = 0;
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;
  std::int64_t longest = 0;
  std::int64_t overlong = 0;
  std::int64_t highest_id = -1;
  std::vector<std::string> bad_rows;
};

class InputChecker {
 public:
  InputChecker(const Recipe& recipe, const Environment& environment, std::int64_t rows)
      : recipe_(recipe), environment_(environment), rows_(rows) {}

  InputCheck check() {
    check_model();
    check_adapter();
    check_text();
    check_sources("data.train", recipe_.data.train);
    check_sources("data.validation", recipe_.data.validation);
    attempt("output_dir", [&] { check_output(); });
    return std::move(result_);
  }

 private:
  /// Runs `look`; what it throws is a problem of `key`.
  template <class Look>
  bool attempt(const std::string& key, Look look) {
    try {
      look();
      return true;
    } catch (const Error& error) {
      // A recipe's own key stands at the problem's place already.
      const bool names_key = error.subject() == key;
      result_.problems.push_back({key, names_key ? error.message() : error.what(), error.kind()});
    } catch (const std::filesystem::filesystem_error& error) {
      result_.problems.push_back({key, error.what(), ErrorKind::kInput});
    }
    return false;
  }

  void fact(const std::string& key, std::string message) {
    result_.facts.push_back({key, std::move(message)});
  }

  void check_model() {
    attempt("model.path", [&] {
      model_ = find_base(recipe_.model, environment_);
      config_ = open_weights(model_)->config();
      fact("model.path",
           fmt::format("{} ({}, {} layers, {} tokens)", base_name(model_, recipe_.model.path),
                       config_->model_type, config_->num_hidden_layers, grouped(config_->vocab_size)));
    });
  }

  void check_adapter() {
    if (!recipe_.adapter.init_from.empty()) {
      attempt("adapter.init_from", [&] {
        std::vector<std::string> warnings;
        const std::filesystem::path file =
            std::filesystem::path(recipe_.adapter.init_from) / "adapter_config.json";
        const PeftConfig config = read_adapter_config(file, warnings);
        for (std::string& warning : warnings) {
          result_.warnings.push_back({"adapter.init_from", std::move(warning)});
        }
        fact("adapter.init_from", fmt::format("an adapter of rank {}", config.r));
      });
      return;
    }
    if (!config_) {
      return;
    }
    attempt("adapter.target_modules", [&] {
      const PeftConfig config = peft_config(recipe_.adapter);
      const std::vector<std::string> names = adaptable_names(*config_);
      std::vector<std::string> matched;
      for (const MatchedModule& module : match_modules(config, names)) {
        matched.push_back(names[module.linear]);
      }
      attempt("adapter.modules_to_save", [&] { check_trained_parts(config, matched); });
    });
  }

  void check_trained_parts(const PeftConfig& config, const std::vector<std::string>& matched) {
    std::vector<std::string> full;
    for (TrainedPart& part : trained_parts(config, *config_, matched)) {
      full.push_back(std::move(part.parameter.name));
    }
    fact("adapter.target_modules", describe_modules(matched) + describe_full(full));
    for (std::string& warning : trained_part_warnings(config, *config_, matched)) {
      result_.warnings.push_back({"adapter.target_modules", std::move(warning)});
    }
  }

  void check_text() {
    if (model_.empty()) {
      return;
    }
    std::shared_ptr<const Tokenizer> tokenizer;
    if (!attempt("model.path", [&] { tokenizer = load_tokenizer(model_); })) {
      return;
    }
    fact("tokenizer", fmt::format("{} tokens", grouped(tokenizer->size())));
    attempt("data.template", [&] {
      ExampleMaker maker = make_example_builder(recipe_.data, model_, tokenizer);
      fact("data.template", maker.chat_template.empty()            ? "none: chats cannot be rendered"
                            : recipe_.data.chat_template == "auto" ? "the model's own"
                                                                   : recipe_.data.chat_template);
      builder_.emplace(std::move(maker.builder));
    });
  }

  void check_sources(const std::string& list, const std::vector<SourceSpec>& sources) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::string key = fmt::format("{}[{}].path", list, i);
      attempt(key, [&] { report(key, sources[i], read(sources[i])); });
    }
  }

  SourceSample read(SourceSpec source) const {
    source.limit = std::min(rows_, source.limit.value_or(rows_));
    SourceSample sample;
    const RowForm form(source);
    const std::unique_ptr<RowReader> reader = open_rows(source);
    while (std::optional<ReadRow> read = reader->next()) {
      ++sample.rows;
      if (const BadRow* bad = std::get_if<BadRow>(&*read)) {
        sample.bad_rows.push_back(fmt::format("{}: {}", bad->source, bad->why));
        continue;
      }
      Row row = std::get<Row>(std::move(*read));
      const std::string place = row.source;
      try {
        for (const Row& formed : form.apply(std::move(row))) {
          build(formed, sample);
        }
      } catch (const Error& error) {
        const std::string why = error.what();
        sample.bad_rows.push_back(why.starts_with(place) ? why : fmt::format("{}: {}", place, why));
      }
    }
    return sample;
  }

  void build(const Row& row, SourceSample& sample) const {
    if (!builder_) {
      return;
    }
    const Example example = builder_->build(row.value, row.source);
    const auto length = static_cast<std::int64_t>(example.ids.size());
    sample.longest = std::max(sample.longest, length);
    sample.highest_id = std::max<std::int64_t>(sample.highest_id, *std::ranges::max_element(example.ids));
    if (length > recipe_.data.max_length) {
      ++sample.overlong;
      check_overlong(example);
    }
    ++sample.examples;
    sample.tokens += length;
    sample.trained_tokens += count_trained(example);
  }

  /// Throws: Error kInput when cutting the example to the maximum leaves nothing to learn, or is not to be
  /// done.
  void check_overlong(const Example& example) const {
    const std::string& overlong = recipe_.data.overlong;
    const std::size_t length = example.ids.size();
    const auto most = static_cast<std::size_t>(recipe_.data.max_length);
    if (overlong == "error") {
      throw Error(
          ErrorKind::kInput, example.source,
          fmt::format("has {} tokens, more than data.max_length {} (see data.overlong)", length, most));
    }
    if (overlong == "truncate_left" || overlong == "truncate_right") {
      const std::size_t begin = overlong == "truncate_left" ? length - most : 0;
      const ExampleView kept{std::span(example.ids).subspan(begin, most),
                             std::span(example.trained).subspan(begin, most), example.source};
      if (count_trained(kept) == 0) {
        throw Error(
            ErrorKind::kInput, example.source,
            fmt::format("has no trained token left in {} of its {} tokens (data.overlong)", most, length));
      }
    }
  }

  void report(const std::string& key, const SourceSpec& source, const SourceSample& sample) {
    const bool skips = recipe_.data.on_bad_row == "skip";
    const std::string rows = fmt::format("{} row{} of {}", sample.rows, sample.rows == 1 ? "" : "s",
                                         std::filesystem::path(source.path).filename().string());
    if (!sample.bad_rows.empty()) {
      const std::size_t shown = std::min(sample.bad_rows.size(), kShownRows);
      std::string message =
          fmt::format("{} of the first {} cannot be used:\n  {}", sample.bad_rows.size(), rows,
                      fmt::join(sample.bad_rows.begin(),
                                sample.bad_rows.begin() + static_cast<std::ptrdiff_t>(shown), "\n  "));
      if (shown < sample.bad_rows.size()) {
        message += fmt::format("\n  and {} more", sample.bad_rows.size() - shown);
      }
      (skips ? result_.warnings : result_.problems).push_back({key, message});
    }
    if (sample.rows == 0) {
      result_.problems.push_back({key, source.path + " holds no row"});
      return;
    }
    if (config_ && sample.highest_id >= config_->vocab_size) {
      result_.problems.push_back(
          {"model.path",
           fmt::format("token id {} is outside the model's vocabulary of {}: the tokenizer is not "
                       "this model's",
                       sample.highest_id, config_->vocab_size)});
    }
    if (config_ && sample.longest > config_->max_position_embeddings) {
      result_.warnings.push_back(
          {key, fmt::format("has an example of {} tokens; the model was made for {} positions",
                            sample.longest, config_->max_position_embeddings)});
    }
    if (!builder_) {
      fact(key, "first " + rows + " read, not tokenized");
      return;
    }
    fact(key,
         fmt::format("first {}: {} examples, {} tokens, {} trained, longest {}{}", rows, sample.examples,
                     grouped(sample.tokens), percent(sample.trained_tokens, sample.tokens), sample.longest,
                     sample.overlong > 0 ? fmt::format(", {} longer than data.max_length {}", sample.overlong,
                                                       recipe_.data.max_length)
                                         : ""));
  }

  void check_output() {
    namespace fs = std::filesystem;
    const fs::path folder = fs::absolute(recipe_.output_dir);
    if (fs::exists(folder) && !fs::is_directory(folder)) {
      throw Error(ErrorKind::kUsage, folder.string(), "is not a folder");
    }
    fs::path existing = folder;
    while (!fs::exists(existing)) {
      existing = existing.parent_path();
    }
    if (!fs::is_directory(existing) || ::access(existing.c_str(), W_OK | X_OK) != 0) {
      throw Error(ErrorKind::kUsage, existing.string(), "cannot be written to");
    }
    if (fs::exists(folder) && !fs::is_empty(folder)) {
      result_.warnings.push_back(
          {"output_dir", folder.string() + " is not empty: `lore train` will refuse it without --overwrite"});
      return;
    }
    fact("output_dir", folder.string() + " is free");
  }

  const Recipe& recipe_;
  const Environment& environment_;
  std::int64_t rows_;
  InputCheck result_;
  std::filesystem::path model_;
  std::optional<LlamaConfig> config_;
  std::optional<ExampleBuilder> builder_;
};

}  // namespace

InputCheck check_inputs(const Recipe& recipe, const Environment& environment, std::int64_t rows) {
  return InputChecker(recipe, environment, rows).check();
}

}  // namespace lore
