#pragma once

#include <string>
#include <string_view>

namespace lore {

/// Looks at the first bytes of a data file for formats that are no text, or are text that no data is in.
/// Throws: Error kInput with subject `shown` that names the format and says what to do.
void refuse_content(std::string_view sample, const std::string& shown);

}  // namespace lore
