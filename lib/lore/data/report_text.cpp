#include "lore/data/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kShortestName = 12;
constexpr std::size_t kLongestBar = 40;
constexpr std::array<std::string_view, 8> kLeftBlocks = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr std::array<std::string_view, 8> kLowerBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/// Rows of cells; the first column holds names and stands left, numbers stand right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size(), 0);
    std::size_t numbers = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      for (const std::vector<std::string>& row : rows_) {
        widths[i] = std::max(widths[i], display_width(row[i]));
      }
      numbers += i > 0 ? widths[i] + 2 : 0;
    }
    widths[0] = std::min(widths[0], std::max(kShortestName, kWidth - std::min(kWidth, numbers)));
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
      text += pad_right(cut_left(row[0], widths[0]), widths[0]);
      for (std::size_t i = 1; i < row.size(); ++i) {
        text += "  " + pad_left(row[i], widths[i]);
      }
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// The sources, and their sum where there are several.
std::vector<const DataReport::Source*> table_rows(const DataReport& report) {
  std::vector<const DataReport::Source*> rows;
  for (const DataReport::Source& source : report.sources) {
    rows.push_back(&source);
  }
  if (rows.size() != 1) {
    rows.push_back(&report.all);
  }
  return rows;
}

std::string name_of(const DataReport::Source& source) { return visible_name(source.counts.path); }

std::string counts_table(const DataReport& report) {
  std::vector<std::string> headings{"source"};
  const std::vector<const CountColumn*> columns = shown_columns(report);
  for (const CountColumn* column : columns) {
    headings.emplace_back(column->heading);
  }
  headings.emplace_back("share");
  Table table(headings);
  for (const DataReport::Source* source : table_rows(report)) {
    std::vector<std::string> row{name_of(*source)};
    for (const CountColumn* column : columns) {
      row.push_back(grouped(source->counts.*column->value));
    }
    row.push_back(percent(source->counts.trained_tokens, source->counts.tokens));
    table.add(std::move(row));
  }
  return table.text();
}

std::string lengths_table(const DataReport& report) {
  Table table({"tokens of an example", "shortest", "median", "p95", "longest", ""});
  for (const DataReport::Source* source : table_rows(report)) {
    const Lengths& lengths = source->lengths;
    table.add({name_of(*source), grouped(lengths.shortest), grouped(lengths.median), grouped(lengths.p95),
               grouped(lengths.longest), sparkline(lengths.bins)});
  }
  return table.text();
}

std::string histogram(const DataReport& report) {
  const std::vector<std::int64_t>& counts = report.all.lengths.bins;
  if (counts.empty()) {
    return "";
  }
  const std::int64_t most = std::max<std::int64_t>(1, *std::max_element(counts.begin(), counts.end()));
  std::size_t name_width = 0;
  for (const LengthBin& bin : report.bins) {
    name_width = std::max(name_width, bin_name(bin).size());
  }
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto eighths = static_cast<std::size_t>(static_cast<double>(counts[i]) / static_cast<double>(most) *
                                                  static_cast<double>(kLongestBar * 8));
    const std::string bar = block_bar(counts[i] > 0 ? std::max<std::size_t>(1, eighths) : 0);
    text += fmt::format("  {}  {}{}{}\n", pad_left(bin_name(report.bins[i]), name_width), bar,
                        bar.empty() ? "" : " ", grouped(counts[i]));
  }
  return text;
}

}  // namespace

std::string block_bar(std::size_t eighths) {
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i) {
    bar += "█";
  }
  return bar.append(kLeftBlocks[eighths % 8]);
}

std::string sparkline(std::span<const std::int64_t> counts) {
  const std::int64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  std::string line;
  for (const std::int64_t count : counts) {
    // Empty bins alone are empty: a count of one among millions is seen.
    line += count == 0 ? " " : kLowerBlocks[static_cast<std::size_t>((count * 8 - 1) / most)];
  }
  return line;
}

std::string bin_name(const LengthBin& bin) {
  return bin.from == bin.to ? grouped(bin.from) : fmt::format("{} - {}", grouped(bin.from), grouped(bin.to));
}

std::vector<std::string> batch_lines(const DataReport& report) {
  const BatchFill& fill = report.batches;
  const BatchOptions& options = fill.options;
  const std::string packs = fmt::format("{} packs of {} tokens, {:.1f}% full", grouped(fill.packs),
                                        grouped(options.max_length), 100 * fill.pack_efficiency);
  const std::string steps = fill.steps > 0 ? grouped(fill.steps) + " optimizer steps in " : "";
  return {fmt::format("{}{} batches of up to {} {}", steps, grouped(fill.batches), options.batch_size,
                      options.packing ? "packs" : "examples"),
          options.packing ? packs : "off; it would make " + packs,
          fmt::format("none; padded batches would compute {} tokens more ({})", grouped(fill.padding_tokens),
                      percent(fill.padding_tokens, report.all.counts.tokens))};
}

std::string report_text(const DataReport& report) {
  std::string text = counts_table(report) + "\n" + lengths_table(report) + "\n" + histogram(report) + "\n";
  const std::vector<std::string> lines = batch_lines(report);
  return text + fmt::format("epoch      {}\npacking    {}\npadding    {}", lines[0], lines[1], lines[2]);
}

}  // namespace lore
