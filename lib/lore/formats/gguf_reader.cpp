#include "lore/formats/gguf_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "lore/core/error.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

constexpr std::uint64_t kMaxString = 64u << 20;
constexpr std::uint64_t kMaxArray = 64u << 20;
constexpr std::uint64_t kMaxKey = 65535;
constexpr std::uint64_t kMaxAlignment = 1u << 20;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kLeastValue = 8 + 4 + 1;       ///< bytes: an empty key, its type, a byte
constexpr std::uint64_t kLeastTensor = 8 + 4 + 4 + 8;  ///< bytes: an empty name, rank 0, type, offset
constexpr const char* kAlignmentKey = "general.alignment";

}  // namespace

GgufReader::GgufReader(std::shared_ptr<const MappedFile> file)
    : subject_(file->path().string()), bytes_(file->bytes()) {
  result_.file_ = std::move(file);
}

GgufFile GgufReader::read() {
  read_magic(result_.version_);
  const auto tensor_count = number<std::uint64_t>("the number of tensors");
  const auto value_count = number<std::uint64_t>("the number of metadata values");
  if (value_count > remaining() / kLeastValue) {
    refuse(
        fmt::format("claims {} metadata values, more than fit in its {} bytes", value_count, bytes_.size()));
  }
  if (tensor_count > remaining() / kLeastTensor) {
    refuse(fmt::format("claims {} tensors, more than fit in its {} bytes", tensor_count, bytes_.size()));
  }
  read_values(value_count);
  std::vector<Placed> places;
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    places.push_back(read_tensor());
  }
  place_tensors(places);
  return std::move(result_);
}

void GgufReader::read_magic(std::uint32_t& version) {
  const auto magic = take(4, "the magic number");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
    refuse("is not a GGUF file: it does not begin with \"GGUF\"");
  }
  version = number<std::uint32_t>("the version");
  if (version != 0 && (version & 0xffff) == 0) {
    refuse("is a big-endian GGUF file; only little-endian ones are supported");
  }
  if (version != 2 && version != 3) {
    refuse(fmt::format("has GGUF version {}; only 2 and 3 are supported", version));
  }
}

template <typename T>
T GgufReader::number(std::string_view what) {
  T value;
  std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
  return value;
}

std::span<const std::byte> GgufReader::take(std::uint64_t size, std::string_view what) {
  if (size > remaining()) {
    refuse(
        fmt::format("is truncated: {} at byte {} takes {} bytes, {} are left", what, at_, size, remaining()));
  }
  const auto part = bytes_.subspan(at_, size);
  at_ += size;
  return part;
}

std::string_view GgufReader::string(std::string_view what) {
  const auto size = number<std::uint64_t>(what);
  if (size > kMaxString) {
    refuse(fmt::format("{} has {} bytes; at most {} are allowed", what, size, kMaxString));
  }
  const auto part = take(size, what);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

GgufValueType GgufReader::value_type(const std::string& key) {
  const auto type = number<std::uint32_t>("a type");
  if (type > static_cast<std::uint32_t>(GgufValueType::kFloat64)) {
    refuse(fmt::format("the value of {} has the unknown type {}", in_quotes(key), type));
  }
  return static_cast<GgufValueType>(type);
}

GgufValue GgufReader::value(const std::string& key) {
  GgufValue value;
  value.type = value_type(key);
  if (value.type == GgufValueType::kArray) {
    array(key, value);
  } else if (value.type == GgufValueType::kString) {
    const std::string_view text = string(fmt::format("the value of {}", in_quotes(key)));
    value.bytes = std::as_bytes(std::span(text.data(), text.size()));
  } else {
    value.bytes = take(size_of(value.type), fmt::format("the value of {}", in_quotes(key)));
    if (value.type == GgufValueType::kBool) {
      check_bools(key, value.bytes);
    }
  }
  return value;
}

void GgufReader::array(const std::string& key, GgufValue& value) {
  const std::string what = fmt::format("the array {}", in_quotes(key));
  value.element = value_type(key);
  if (value.element == GgufValueType::kArray) {
    refuse(fmt::format("{} is an array of arrays, which GGUF readers do not support", what));
  }
  const auto count = number<std::uint64_t>(what);
  const std::size_t least = value.element == GgufValueType::kString ? 8 : size_of(value.element);
  if (count > kMaxArray / least) {
    refuse(fmt::format("{} has {} elements; an array may have at most {} bytes", what, count, kMaxArray));
  }
  if (count * least > remaining()) {
    refuse(fmt::format("is truncated: {} has {} elements, {} bytes are left", what, count, remaining()));
  }
  if (value.element == GgufValueType::kString) {
    const std::size_t begin = at_;
    value.strings.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      value.strings.push_back(string(what));
      if (at_ - begin > kMaxArray) {
        refuse(fmt::format("{} has more than {} bytes", what, kMaxArray));
      }
    }
    return;
  }
  value.bytes = take(count * least, what);
  if (value.element == GgufValueType::kBool) {
    check_bools(key, value.bytes);
  }
}

void GgufReader::check_bools(const std::string& key, std::span<const std::byte> bytes) const {
  for (const std::byte byte : bytes) {
    if (byte > std::byte{1}) {
      refuse(fmt::format("the value of {} is a bool of {}; only 0 and 1 exist", in_quotes(key),
                         std::to_integer<int>(byte)));
    }
  }
}

void GgufReader::read_values(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view text = string(fmt::format("metadata key {}", i));
    if (text.empty() || text.size() > kMaxKey) {
      refuse(fmt::format("metadata key {} has {} bytes; 1 to {} are allowed", i, text.size(), kMaxKey));
    }
    const std::string key(text);
    if (!result_.values_.emplace(key, value(key)).second) {
      refuse(fmt::format("the metadata key {} is given twice", in_quotes(key)));
    }
  }
}

std::uint64_t GgufReader::alignment() const {
  const auto found = result_.values_.find(kAlignmentKey);
  if (found == result_.values_.end()) {
    return kDefaultAlignment;
  }
  if (found->second.type != GgufValueType::kUint32) {
    refuse(fmt::format("{} must be a uint32, not {}", kAlignmentKey, type_text(found->second)));
  }
  const auto value =
      static_cast<std::uint64_t>(*read_integer(GgufValueType::kUint32, found->second.bytes.data()));
  if (!std::has_single_bit(value) || value > kMaxAlignment) {
    refuse(fmt::format("{} is {}; it must be a power of two of at most {}", kAlignmentKey, value,
                       kMaxAlignment));
  }
  return value;
}

GgufReader::Placed GgufReader::read_tensor() {
  GgufTensor tensor;
  tensor.name = string(fmt::format("the name of tensor {}", result_.tensors_.size()));
  const auto refuse_tensor = [&](std::string_view message) {
    refuse(fmt::format("tensor {}: {}", in_quotes(tensor.name), message));
  };
  if (tensor.name.empty() || tensor.name.find('\0') != std::string::npos) {
    refuse_tensor("the name is empty or contains a NUL character");
  }
  const auto rank = number<std::uint32_t>("a tensor's rank");
  if (rank > kMaxDimensions) {
    refuse_tensor(fmt::format("has {} dimensions; at most {} are allowed", rank, kMaxDimensions));
  }
  for (std::uint32_t i = 0; i < rank; ++i) {
    tensor.shape.push_back(number<std::int64_t>("a tensor's dimension"));
    if (tensor.shape.back() < 0) {
      refuse_tensor(fmt::format("the dimension {} is negative", tensor.shape.back()));
    }
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());

  const auto type_number = number<std::int32_t>("a tensor's type");
  const auto type = ggml_type_from_number(type_number);
  if (!type) {
    refuse_tensor(fmt::format("has the unknown type {}", type_number));
  }
  tensor.type = *type;
  const auto offset = number<std::uint64_t>("a tensor's offset");

  const BlockLayout layout = *block_layout(*type);
  std::int64_t bytes = layout.bytes;
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % layout.elements != 0) {
    refuse_tensor(fmt::format("rows of {} elements are not whole {} blocks of {}", row, name_of(*type),
                              layout.elements));
  }
  bool overflow = __builtin_mul_overflow(bytes, row / layout.elements, &bytes);
  std::int64_t elements = row;
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
    overflow = overflow || __builtin_mul_overflow(bytes, tensor.shape[i], &bytes) ||
               __builtin_mul_overflow(elements, tensor.shape[i], &elements);
  }
  if (overflow) {
    refuse_tensor(fmt::format("the shape [{}] overflows", fmt::join(tensor.shape, ",")));
  }
  if (!result_.index_.emplace(tensor.name, result_.tensors_.size()).second) {
    refuse_tensor("is given twice");
  }
  result_.tensors_.push_back(std::move(tensor));
  return {offset, static_cast<std::uint64_t>(bytes)};
}

void GgufReader::place_tensors(const std::vector<Placed>& places) {
  const std::uint64_t unit = alignment();
  const std::uint64_t padding = (unit - at_ % unit) % unit;
  const auto data = padding < remaining() ? bytes_.subspan(at_ + padding) : std::span<const std::byte>();
  for (std::size_t i = 0; i < places.size(); ++i) {
    GgufTensor& tensor = result_.tensors_[i];
    const auto [offset, size] = places[i];
    if (offset % unit != 0) {
      refuse(fmt::format("tensor {}: the offset {} is not a multiple of the alignment {}",
                         in_quotes(tensor.name), offset, unit));
    }
    if (offset > data.size() || size > data.size() - offset) {
      refuse(
          fmt::format("tensor {}: {} bytes at offset {} lie outside the {} bytes of data (a truncated file?)",
                      in_quotes(tensor.name), size, offset, data.size()));
    }
    tensor.bytes = data.subspan(offset, size);
  }

  std::vector<const GgufTensor*> order;
  for (const GgufTensor& tensor : result_.tensors_) {
    if (!tensor.bytes.empty()) {
      order.push_back(&tensor);
    }
  }
  std::sort(order.begin(), order.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->bytes.data() < b->bytes.data(); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->bytes.data() + order[i - 1]->bytes.size() > order[i]->bytes.data()) {
      refuse(fmt::format("tensor {}: overlaps the tensor {}", in_quotes(order[i]->name),
                         in_quotes(order[i - 1]->name)));
    }
  }
}

void GgufReader::refuse(std::string message) const {
  throw Error(ErrorKind::kInput, subject_, std::move(message));
}

}  // namespace lore
