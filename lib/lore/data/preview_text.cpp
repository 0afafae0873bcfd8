#include "lore/data/preview_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr std::string_view kOpen = "⟦";
constexpr std::string_view kClose = "⟧";
constexpr std::string_view kSpaceMark = "·";
constexpr std::string_view kLineMark = "↵";

std::string styled(std::string_view text, const char* style, bool colour) {
  return colour && *style != '\0' && !text.empty() ? fmt::format("\x1B[{}m{}\x1B[0m", style, text)
                                                   : std::string(text);
}

const char* style_of(const TokenText& token) {
  if (token.trained) {
    return token.special ? "1;32" : "32";
  }
  return token.special ? "2" : "";
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

/// Spaces that are easily overlooked: at the ends of the text and before a line's end.
std::string with_marked_space(std::string_view text) {
  std::string result;
  const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      result += kLineMark;
      result += '\n';
    } else if (text[i] != ' ') {
      result += text[i];
    } else {
      const std::size_t next = text.find_first_not_of(' ', i);
      const bool at_end = i < first || next == std::string_view::npos || text[next] == '\n';
      result += at_end ? kSpaceMark : " ";
    }
  }
  return result;
}

}  // namespace

std::string preview_heading(std::string_view title, const ExampleView& example, bool colour) {
  const auto tokens = static_cast<std::int64_t>(example.ids.size());
  const std::int64_t trained = count_trained(example);
  return styled("== " + visible_name(title), "1", colour) +
         styled(fmt::format("  {} tokens, {} trained ({})", grouped(tokens), grouped(trained),
                            percent(trained, tokens)),
                "2", colour);
}

std::string preview_text(std::span<const TokenText> tokens, bool colour) {
  std::string result;
  bool open = false;
  for (std::size_t begin = 0; begin < tokens.size();) {
    const TokenText& first = tokens[begin];
    std::string text;
    std::size_t end = begin;
    for (;
         end < tokens.size() && tokens[end].trained == first.trained && tokens[end].special == first.special;
         ++end) {
      if (tokens[end].part == tokens[end].parts) {
        text += tokens[end].text;
      }
    }
    text = visible_text(text);
    if (first.trained && !first.special) {
      text = with_marked_space(text);
    }
    if (!colour) {
      replace_all(text, kOpen, "\\u27e6");
      replace_all(text, kClose, "\\u27e7");
      if (first.trained != open) {
        result += open ? kClose : kOpen;
        open = first.trained;
      }
    }
    result += styled(text, style_of(first), colour);
    begin = end;
  }
  if (open) {
    result += kClose;
  }
  return result;
}

std::string preview_ids(std::span<const TokenText> tokens, bool colour) {
  std::string result;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const TokenText& token = tokens[i];
    std::string text = styled(visible_line(token.text), style_of(token), colour);
    if (token.parts > 1) {
      text += fmt::format("  ({} of {})", token.part, token.parts);
    }
    result += fmt::format("{:>7} {:>7} {} {}{}", i, token.id, token.trained ? '*' : ' ', text,
                          i + 1 < tokens.size() ? "\n" : "");
  }
  return result;
}

}  // namespace lore
