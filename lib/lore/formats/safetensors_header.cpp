#include "lore/formats/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

constexpr std::size_t kMaxRank = 64;

/// The grammar of the header as a state machine over the JSON parser's events.
class HeaderParser {
 public:
  using Json = nlohmann::json;

  explicit HeaderParser(const std::string& subject) : subject_(subject) {}

  SafetensorsHeader take() {
    std::vector<const std::string*> names;
    names.reserve(header_.entries.size());
    for (const auto& entry : header_.entries) {
      names.push_back(&entry.name);
    }
    const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
    const auto equal = [](const std::string* a, const std::string* b) { return *a == *b; };
    std::sort(names.begin(), names.end(), less);
    const auto repeated = std::adjacent_find(names.begin(), names.end(), equal);
    if (repeated != names.end()) {
      refuse(fmt::format("the tensor {} is given twice", in_quotes(**repeated)));
    }
    return std::move(header_);
  }

  bool null() { refuse_value("null"); }
  bool boolean(bool value) { refuse_value(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { refuse_value(fmt::to_string(value)); }
  bool number_float(double, const std::string& text) { refuse_value(printable(text)); }
  bool binary(Json::binary_t&) { refuse_value("binary"); }

  bool number_unsigned(std::uint64_t value) {
    if (level_ == Level::kShape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        refuse_entry(fmt::format("the dimension {} is out of range", value));
      }
      if (entry().shape.size() == kMaxRank) {
        refuse_entry(fmt::format("has more than {} dimensions", kMaxRank));
      }
      entry().shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (level_ == Level::kOffsets) {
      if (offsets_ == 2) {
        refuse_entry("data_offsets must be two numbers");
      }
      (offsets_ == 0 ? entry().begin : entry().end) = value;
      ++offsets_;
      return true;
    }
    refuse_value(fmt::to_string(value));
  }

  bool string(std::string& value) {
    if (level_ == Level::kMetadata) {
      if (!header_.metadata.emplace(key_, value).second) {
        refuse(fmt::format("__metadata__: the key {} is repeated", in_quotes(key_)));
      }
      return true;
    }
    if (level_ == Level::kEntry && key_ == "dtype") {
      const auto dtype = dtype_from_name(value);
      if (!dtype) {
        refuse_entry(
            fmt::format("the dtype {} is not supported (F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, "
                        "I16, I8, U8 and BOOL are)",
                        in_quotes(value)));
      }
      entry().dtype = *dtype;
      return true;
    }
    refuse_value(in_quotes(value));
  }

  bool key(std::string& name) {
    key_ = name;
    if (level_ == Level::kTop && name != "__metadata__") {
      if (name.find('\0') != std::string::npos) {
        refuse(fmt::format("the tensor name {} contains a NUL character", in_quotes(name)));
      }
      if (name.find("../") != std::string::npos) {
        refuse(fmt::format("the tensor name {} contains \"../\"", in_quotes(name)));
      }
    } else if (level_ == Level::kEntry) {
      const unsigned field = name == "dtype" ? 1 : name == "shape" ? 2 : name == "data_offsets" ? 4 : 0;
      if (field == 0) {
        refuse_entry(fmt::format("has the unknown field {}", in_quotes(name)));
      }
      if ((fields_ & field) != 0) {
        refuse_entry(fmt::format("the field {} is repeated", in_quotes(name)));
      }
      fields_ |= field;
    }
    return true;
  }

  bool start_object(std::size_t) {
    if (level_ == Level::kDocument) {
      level_ = Level::kTop;
    } else if (level_ == Level::kTop && key_ == "__metadata__") {
      if (has_metadata_) {
        refuse("__metadata__ is given twice");
      }
      has_metadata_ = true;
      level_ = Level::kMetadata;
    } else if (level_ == Level::kTop) {
      header_.entries.emplace_back().name = key_;
      fields_ = 0;
      offsets_ = 0;
      level_ = Level::kEntry;
    } else {
      refuse_value("an object");
    }
    return true;
  }

  bool end_object() {
    if (level_ == Level::kEntry && fields_ != 7) {
      refuse_entry("lacks one of dtype, shape and data_offsets");
    }
    level_ = level_ == Level::kTop ? Level::kDocument : Level::kTop;
    return true;
  }

  bool start_array(std::size_t) {
    if (level_ == Level::kEntry && key_ == "shape") {
      level_ = Level::kShape;
    } else if (level_ == Level::kEntry && key_ == "data_offsets") {
      level_ = Level::kOffsets;
    } else {
      refuse_value("an array");
    }
    return true;
  }

  bool end_array() {
    if (level_ == Level::kOffsets && offsets_ != 2) {
      refuse_entry("data_offsets must be two numbers");
    }
    level_ = Level::kEntry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    refuse(fmt::format("the header is not valid JSON at its byte {}", position));
  }

 private:
  enum class Level { kDocument, kTop, kMetadata, kEntry, kShape, kOffsets };

  SafetensorsHeader::Entry& entry() { return header_.entries.back(); }

  [[noreturn]] void refuse(std::string message) const {
    throw Error(ErrorKind::kInput, subject_, std::move(message));
  }

  [[noreturn]] void refuse_entry(std::string_view message) const {
    refuse(fmt::format("tensor {}: {}", in_quotes(header_.entries.back().name), message));
  }

  [[noreturn]] void refuse_value(std::string_view value) const {
    switch (level_) {
      case Level::kDocument:
        refuse("the header is not a JSON object");
      case Level::kTop:
        refuse(fmt::format("the entry {} must be an object, not {}", in_quotes(key_), value));
      case Level::kMetadata:
        refuse(fmt::format("__metadata__: the value of {} must be a string, not {}", in_quotes(key_), value));
      case Level::kEntry:
        refuse_entry(fmt::format("{} cannot be {}", in_quotes(key_), value));
      case Level::kShape:
        refuse_entry(fmt::format("the shape cannot contain {}", value));
      case Level::kOffsets:
        refuse_entry(fmt::format("data_offsets cannot contain {}", value));
    }
    refuse("the header is damaged");
  }

  const std::string& subject_;
  SafetensorsHeader header_;
  Level level_ = Level::kDocument;
  std::string key_;
  unsigned fields_ = 0;
  int offsets_ = 0;
  bool has_metadata_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& subject) {
  HeaderParser parser(subject);
  nlohmann::json::sax_parse(text, &parser);
  return parser.take();
}

}  // namespace lore
