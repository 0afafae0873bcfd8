#include "lore/corpus/text_rows.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "lore/corpus/line_reader.h"

namespace lore {
namespace {

constexpr std::size_t kLongestPiece = std::size_t{1} << 20;
constexpr std::string_view kBlank = " \t\r\n\f\v";

bool is_blank(std::string_view text) { return text.find_first_not_of(kBlank) == std::string_view::npos; }

class TextRows final : public RowReader {
 public:
  TextRows(std::unique_ptr<TextCursor> text, const std::string& sample_by)
      : text_(std::move(text)),
        lines_(*text_),
        by_line_(sample_by == "line"),
        by_paragraph_(sample_by == "paragraph") {}

  std::optional<ReadRow> next() override {
    begin();
    while (const std::optional<Line> line = lines_.next()) {
      if (by_paragraph_ && is_blank(line->text)) {
        if (!is_blank(piece_)) {
          return row();
        }
        begin();
        continue;
      }
      add(*line);
      if (by_line_ || piece_.size() >= kLongestPiece) {
        if (!is_blank(piece_)) {
          return row();
        }
        begin();
      }
    }
    return is_blank(piece_) ? std::nullopt : std::optional(row());
  }

 private:
  void begin() {
    piece_.clear();
    problem_.clear();
    line_ = 0;
  }

  void add(const Line& line) {
    std::string problem = line.is_too_long ? fmt::format("the line is longer than {} MiB", kLongestRow >> 20)
                                           : text_problem(line.text, text_->encoding());
    if (line_ == 0 || (problem_.empty() && !problem.empty())) {
      line_ = line.number;
    }
    if (problem_.empty()) {
      problem_ = std::move(problem);
    }
    piece_ += line.text;
    if (line.has_end) {
      piece_ += '\n';
    }
  }

  ReadRow row() {
    if ((by_line_ || by_paragraph_) && piece_.ends_with('\n')) {
      piece_.pop_back();
    }
    if (!problem_.empty()) {
      return BadRow{text_->at(line_), std::move(problem_), std::move(piece_)};
    }
    nlohmann::ordered_json value = nlohmann::ordered_json::object();
    value["text"] = std::move(piece_);
    return Row{std::move(value), text_->at(line_)};
  }

  std::unique_ptr<TextCursor> text_;
  LineReader lines_;
  bool by_line_;
  bool by_paragraph_;
  std::string piece_;
  std::string problem_;    // of the piece; the first one
  std::int64_t line_ = 0;  // where the piece begins or the problem is
};

}  // namespace

std::unique_ptr<RowReader> open_text(std::unique_ptr<TextCursor> text, const std::string& sample_by) {
  return std::make_unique<TextRows>(std::move(text), sample_by);
}

}  // namespace lore
