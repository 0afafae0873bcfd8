#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace lore {

/// Begin and end of the e-mail address around the `@` at `at` (`length` bytes: it may be full width), if it
/// is one. Nothing before `floor` belongs to it.
std::optional<std::pair<std::size_t, std::size_t>> match_mail_address(std::string_view text,
                                                                      std::size_t floor, std::size_t at,
                                                                      std::size_t length);

}  // namespace lore
