#include "lore/data/tokenize_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/core/error.h"
#include "lore/core/interruption.h"
#include "lore/corpus/personal_data.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_reader.h"
#include "lore/data/ordered_work.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRowsAtOnce = 32;
constexpr std::size_t kPersonalPlaces = 20;

/// What one form of a row became.
struct TokenizedForm {
  std::optional<RowSignature> signature;
  std::vector<Example> examples;
};

/// What one row of the file became.
struct TokenizedRow {
  std::string source;
  std::vector<TokenizedForm> forms;
  std::string bad;       ///< why it cannot be used
  std::string left_out;  ///< why some or all of it is left out
  std::string text;      ///< where it is bad or left out
  PersonalDataCounts personal;
  std::int64_t truncated = 0;
  std::int64_t split = 0;
  std::int64_t unlabelled = 0;
};

/// "file:1: subject: message" without its "file:1: ".
std::string without_source(std::string_view text, const std::string& source) {
  return std::string(text.starts_with(source + ": ") ? text.substr(source.size() + 2) : text);
}

class RowWork {
 public:
  RowWork(const RowForm& form, const ExampleBuilder& builder, const RowSettings& settings)
      : form_(form), builder_(builder), settings_(settings) {}

  TokenizedRow tokenize(ReadRow read) const {
    TokenizedRow result;
    if (BadRow* bad = std::get_if<BadRow>(&read)) {
      result.source = std::move(bad->source);
      result.bad = std::move(bad->why);
      result.text = std::move(bad->text);
      return result;
    }
    const Row& row = std::get<Row>(read);
    result.source = row.source;
    try {
      add_forms(row, result);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput) {
        throw;
      }
      result.forms.clear();
      result.bad = without_source(error.what(), row.source);
    }
    if (!result.bad.empty() || !result.left_out.empty()) {
      result.text = row.value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    return result;
  }

 private:
  void add_forms(const Row& row, TokenizedRow& result) const {
    for (Row& formed : form_.apply(row)) {
      look_for_personal_data(formed, result);
      TokenizedForm form;
      Example example = builder_.build(formed.value, row.source);
      if (settings_.signatures) {
        form.signature = row_signature(formed);
      }
      const Overlong overlong =
          ExampleBuilder::is_plain_text(formed.value) ? Overlong::kSplit : settings_.overlong;
      const std::size_t tokens = example.ids.size();
      Fitted fitted = fit(std::move(example), settings_.max_length, overlong);
      result.truncated += fitted.truncated ? 1 : 0;
      result.split += fitted.split ? 1 : 0;
      result.unlabelled += fitted.unlabelled;
      if (fitted.dropped) {
        result.left_out =
            fmt::format("has {} tokens, more than data.max_length {}", tokens, settings_.max_length);
        continue;
      }
      form.examples = std::move(fitted.examples);
      result.forms.push_back(std::move(form));
    }
    if (result.forms.empty() && result.left_out.empty()) {
      throw Error(ErrorKind::kInput, row.source, "gives no example");
    }
  }

  void look_for_personal_data(Row& row, TokenizedRow& result) const {
    switch (settings_.personal_data) {
      case PersonalDataPolicy::kIgnore:
        return;
      case PersonalDataPolicy::kMask:
        result.personal += mask_personal_data(row.value);
        return;
      case PersonalDataPolicy::kReport:
      case PersonalDataPolicy::kError:
        result.personal += count_personal_data(row.value);
    }
    if (settings_.personal_data == PersonalDataPolicy::kError && !result.personal.empty()) {
      throw Error(
          ErrorKind::kInput, row.source,
          fmt::format("holds personal data: {} (data.pii: mask hides it)", result.personal.describe()));
    }
  }

  const RowForm& form_;
  const ExampleBuilder& builder_;
  const RowSettings& settings_;
};

/// Writes rows in their order, and counts.
class RowWriter {
 public:
  RowWriter(const std::string& path, TokenCacheWriter& writer) : writer_(writer) { counts_.path = path; }

  void write(const TokenizedRow& row) {
    ++counts_.rows;
    if (!row.personal.empty()) {
      ++counts_.personal;
      personal_ += row.personal;
      if (places_.size() < kPersonalPlaces) {
        places_.push_back(row.source);
      }
    }
    if (!row.bad.empty()) {
      ++counts_.bad;
      writer_.add_bad(row.source, row.bad, row.text);
      return;
    }
    if (!row.left_out.empty()) {
      writer_.add_left_out(row.source, row.left_out, row.text);
    }
    ++(row.forms.empty() ? counts_.dropped : counts_.used);
    counts_.truncated += row.truncated;
    counts_.split += row.split;
    counts_.unlabelled += row.unlabelled;
    for (const TokenizedForm& form : row.forms) {
      writer_.add_row(row.source, form.signature);
      for (const Example& example : form.examples) {
        writer_.add_example(example);
        ++counts_.examples;
        counts_.tokens += static_cast<std::int64_t>(example.ids.size());
        counts_.trained_tokens += count_trained(example);
      }
    }
  }

  Json summary() {
    counts_.personal_kinds = personal_.empty() ? "" : personal_.describe();
    return {{"counts", to_json(counts_)}, {"personal_places", places_}};
  }

 private:
  TokenCacheWriter& writer_;
  SourceCounts counts_;
  PersonalDataCounts personal_;
  std::vector<std::string> places_;
};

}  // namespace

Json tokenize_source(const SourceSpec& source, const ExampleBuilder& builder, const RowSettings& settings,
                     int threads, TokenCacheWriter& writer) {
  if (settings.max_length < 2) {
    throw Error(ErrorKind::kUsage, "data.max_length", "is at least 2: the first token is never predicted");
  }
  const RowForm form(source);
  const RowWork work(form, builder, settings);
  const std::unique_ptr<RowReader> reader = open_rows(source);
  RowWriter rows(source.path, writer);
  using Rows = std::vector<ReadRow>;
  using Results = std::vector<TokenizedRow>;
  work_in_order<Rows, Results>(
      threads,
      [&]() -> std::optional<Rows> {
        if (settings.signal != nullptr && *settings.signal != 0) {
          throw Interruption("interrupted while the data were read; nothing was written");
        }
        Rows some;
        while (some.size() < kRowsAtOnce) {
          std::optional<ReadRow> row = reader->next();
          if (!row) {
            break;
          }
          some.push_back(std::move(*row));
        }
        return some.empty() ? std::nullopt : std::optional(std::move(some));
      },
      [&](Rows some) {
        Results results;
        for (ReadRow& row : some) {
          results.push_back(work.tokenize(std::move(row)));
        }
        return results;
      },
      [&](const Results& results) {
        for (const TokenizedRow& row : results) {
          rows.write(row);
        }
      });
  return rows.summary();
}

}  // namespace lore
