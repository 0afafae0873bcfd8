#include "lore/data/preview_html.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "lore/data/html_page.h"
#include "lore/data/preview_style.h"
#include "lore/data/report_text.h"
#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr double kPlotWidth = 352;
constexpr double kPlotHeight = 96;
constexpr double kPlotFloor = 78;  // the lengths stand below

std::string cell(std::string_view text) { return fmt::format("<td>{}</td>", html_text(text)); }

std::string key_figures(const DataReport& report) {
  const SourceCounts& counts = report.all.counts;
  std::string html = "<div class=\"figures\">\n";
  const std::pair<const char*, std::string> figures[] = {
      {"examples", grouped(counts.examples)},
      {"tokens", grouped(counts.tokens)},
      {"trained tokens", percent(counts.trained_tokens, counts.tokens)},
      {"longest example", grouped(report.all.lengths.longest)},
      {report.batches.options.packing ? "of each pack used" : "of each pack used, if packed",
       fmt::format("{:.1f}%", 100 * report.batches.pack_efficiency)}};
  for (const auto& [name, value] : figures) {
    html += fmt::format("<div><span>{}</span><b>{}</b></div>\n", name, value);
  }
  return html + "</div>\n";
}

std::string source_row(const DataReport::Source& source, const std::vector<const CountColumn*>& columns,
                       const char* row_class) {
  std::string html = fmt::format("<tr{}>{}", row_class, cell(source.counts.path));
  for (const CountColumn* column : columns) {
    html += cell(grouped(source.counts.*column->value));
  }
  html += cell(percent(source.counts.trained_tokens, source.counts.tokens));
  for (const std::int64_t length :
       {source.lengths.shortest, source.lengths.median, source.lengths.p95, source.lengths.longest}) {
    html += cell(grouped(length));
  }
  return html + "</tr>\n";
}

std::string source_table(const DataReport& report) {
  const std::vector<const CountColumn*> columns = shown_columns(report);
  std::string html = "<div class=\"wide\"><table>\n<thead><tr><th>source</th>";
  for (const CountColumn* column : columns) {
    html += fmt::format("<th>{}</th>", column->heading);
  }
  html +=
      "<th>share</th><th>shortest</th><th>median</th><th>p95</th><th>longest</th></tr></thead>\n<tbody>\n";
  for (const DataReport::Source& source : report.sources) {
    html += source_row(source, columns, "");
  }
  if (report.sources.size() != 1) {
    html += source_row(report.all, columns, " class=\"all\"");
  }
  return html + "</tbody></table></div>\n";
}

std::string plot(const DataReport::Source& source, const std::vector<LengthBin>& bins) {
  const std::vector<std::int64_t>& counts = source.lengths.bins;
  if (counts.empty()) {
    return "";
  }
  const std::int64_t most = std::max<std::int64_t>(1, *std::max_element(counts.begin(), counts.end()));
  const double step = kPlotWidth / static_cast<double>(counts.size());
  std::string html = fmt::format(
      "<figure><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"examples by length\">",
      html_text(source.counts.path), kPlotWidth, kPlotHeight);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double share = static_cast<double>(counts[i]) / static_cast<double>(most);
    const double height = counts[i] > 0 ? std::max(1.0, share * (kPlotFloor - 6)) : 0;
    html += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{} tokens: {} "
        "examples</title></rect>",
        static_cast<double>(i) * step + 1, kPlotFloor - height, step - 2, height, bin_name(bins[i]),
        grouped(counts[i]));
  }
  return html + fmt::format(
                    "<line x1=\"0\" x2=\"{0}\" y1=\"{1}\" y2=\"{1}\"/><text x=\"1\" y=\"{2}\">{3}</text>"
                    "<text x=\"{0}\" y=\"{2}\" text-anchor=\"end\">{4} tokens</text></svg></figure>\n",
                    kPlotWidth, kPlotFloor + 0.5, kPlotHeight - 4, grouped(bins.front().from),
                    grouped(bins.back().to));
}

std::string numbers(const DataReport& report) {
  std::string html = key_figures(report) + "<h2>Sources</h2>\n" + source_table(report);
  html += "<div class=\"plots\">\n";
  for (const DataReport::Source& source : report.sources) {
    html += plot(source, report.bins);
  }
  if (report.sources.size() != 1) {
    html += plot(report.all, report.bins);
  }
  html += "</div>\n<h2>Batches</h2>\n<dl>\n";
  const std::vector<std::string> lines = batch_lines(report);
  const char* const names[] = {"an epoch", "packing", "padding"};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", names[i], html_text(lines[i]));
  }
  return html + "</dl>\n";
}

/// The tokens that share a text as one element: a badge where it is special.
std::string token_html(std::span<const TokenText> tokens, std::size_t position) {
  const TokenText& token = tokens.front();
  std::vector<std::int32_t> ids;
  for (const TokenText& part : tokens) {
    ids.push_back(part.id);
  }
  std::string text = html_text(token.text);
  if (token.trained) {
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
      constexpr std::string_view kLineMark = "<s></s>\n";
      text.replace(at, 1, kLineMark);
      at += kLineMark.size();
    }
  }
  return fmt::format("<{0}{1} title=\"{2}: {3}\">{4}</{0}>", token.special ? "b" : "i",
                     token.special ? " class=\"special\"" : "", position, fmt::join(ids, " "), text);
}

std::string example_html(const PreviewPage::Shown& example, std::size_t number) {
  const std::span<const TokenText> tokens = example.tokens;
  std::int64_t trained = 0;
  std::string text;
  bool open = false;
  for (std::size_t i = 0; i < tokens.size(); i += tokens[i].parts) {
    if (tokens[i].trained != open) {
      text += open ? "</mark>" : "<mark>";
      open = tokens[i].trained;
    }
    text += token_html(tokens.subspan(i, tokens[i].parts), i);
  }
  text += open ? "</mark>" : "";
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    trained += tokens[i].trained ? 1 : 0;
  }
  const auto count = static_cast<std::int64_t>(tokens.size());
  return fmt::format(
      "<article id=\"example-{0}\"><h3>{1}<small>{2} tokens, {3} trained ({4})</small></h3>\n"
      "<div class=\"text\">{5}</div></article>\n",
      number, html_text(example.source), grouped(count), grouped(trained), percent(trained, count), text);
}

}  // namespace

std::string preview_html(const PreviewPage& page) {
  std::string html = fmt::format("<h1>{}</h1>\n<dl>\n", html_text(page.title));
  for (const auto& [name, value] : page.facts) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(name), html_text(value));
  }
  html += "</dl>\n" + numbers(page.report) + "<h2>Examples</h2>\n";
  html +=
      "<div class=\"controls\" hidden><input type=\"search\" placeholder=\"Filter by text or source\" "
      "aria-label=\"Filter examples\"><label><input type=\"checkbox\"> trained only</label>"
      "<output></output></div>\n"
      "<p class=\"legend\"><span><mark>trained</mark></span><span>context</span>"
      "<b class=\"special\">special token</b><span>position and id: hover over a token</span></p>\n";
  for (std::size_t i = 0; i < page.examples.size(); ++i) {
    html += example_html(page.examples[i], i + 1);
  }
  const std::int64_t left_out =
      page.report.all.counts.examples - static_cast<std::int64_t>(page.examples.size());
  if (left_out > 0) {
    html += fmt::format("<p class=\"note\">{} more examples are not in this file (--count).</p>\n",
                        grouped(left_out));
  }
  return html_page(page.title + " - what the model will see", kPreviewStyle, html, kPreviewScript);
}

}  // namespace lore
