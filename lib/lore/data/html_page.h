#pragma once

#include <string>
#include <string_view>

namespace lore {

/// One HTML file that needs nothing else and may load nothing: the style that all of Lore's pages share and
/// `style` on top of it, `body`, `script`. `title` is text; the others are put in as they are.
std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                      std::string_view script);

}  // namespace lore
