// The project's own data-samples through the whole of this room.

#include <algorithm>
#include <filesystem>
#include <set>

#include "lore/core/error.h"
#include "lore/corpus/glossary.h"
#include "lore/corpus/near_duplicates.h"
#include "lore/corpus/personal_data.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_reader.h"
#include "support/catch.h"

namespace {

lore::SourceSpec sample(const std::string& name) {
  return {.path = std::string(LORE_SOURCE_DIR) + "/data-samples/" + name};
}

std::vector<lore::Row> formed_rows(const std::string& name) {
  const lore::SourceSpec source = sample(name);
  const lore::RowForm form(source);
  const auto reader = lore::open_rows(source);
  std::vector<lore::Row> rows;
  while (auto read = reader->next()) {
    REQUIRE(std::holds_alternative<lore::Row>(*read));
    for (lore::Row& row : form.apply(std::get<lore::Row>(std::move(*read)))) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<lore::RowSignature> signatures(const std::vector<lore::Row>& rows) {
  std::vector<lore::RowSignature> result;
  std::transform(rows.begin(), rows.end(), std::back_inserter(result), lore::row_signature);
  return result;
}

}  // namespace

TEST_CASE("the samples hold no duplicates, no leaks and no personal data") {
  const auto train = formed_rows("terms.train.jsonl");
  const auto heldout = formed_rows("terms.heldout.jsonl");
  const auto controls = formed_rows("controls.jsonl");
  const auto glossary = formed_rows("glossary.jsonl");
  CHECK(train.size() == 972);
  CHECK(heldout.size() == 228);
  CHECK(controls.size() == 40);
  std::vector<lore::Row> all = train;
  for (const auto* rows : {&controls, &glossary}) {
    all.insert(all.end(), rows->begin(), rows->end());
  }
  const auto signed_rows = signatures(all);
  const auto signed_heldout = signatures(heldout);
  const lore::SignatureList list(signed_rows);
  CHECK(lore::find_duplicates(list).empty());
  CHECK(lore::find_leaks(list, lore::SignatureList(signed_heldout)).empty());
  all.insert(all.end(), heldout.begin(), heldout.end());
  for (const lore::Row& row : all) {
    CAPTURE(row.source);
    CHECK(lore::count_personal_data(row.value).empty());
  }
}

TEST_CASE("the sample glossary is one glossary, each of whose terms becomes nine examples") {
  const auto terms = lore::read_glossary(sample("glossary.jsonl"));
  CHECK(terms.size() == 162);
  for (const lore::GlossaryProblem& problem : lore::check_glossary(terms)) {
    FAIL_CHECK(problem.place << ": " << problem.why);
  }
  CHECK(terms.front().translations.at("en") == "risk-control threshold");
  std::set<std::string> sources;
  const auto rows = formed_rows("glossary.jsonl");
  for (const lore::Row& row : rows) {
    sources.insert(row.source);
  }
  CHECK(rows.size() >= 9 * terms.size());
  CHECK(sources.size() == terms.size());
}
