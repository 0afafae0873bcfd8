#include "lore/text/jinja_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace lore::jinja {
namespace {

/// The extent of a container, from those of its items.
class Summed {
 public:
  void add(const Value& item) {
    const Extent extent = item.extent();
    total_.nesting = std::max(total_.nesting, extent.nesting);
    total_.weight += extent.weight;
    if (total_.weight > kMaxWeight) {
      throw Failure(fmt::format("a list or mapping holds more than {} MiB", kMaxWeight >> 20));
    }
  }

  Extent container() const {
    if (total_.nesting >= kMaxNesting) {
      throw Failure(fmt::format("lists and mappings are nested deeper than {} levels", kMaxNesting));
    }
    return {total_.nesting + 1, total_.weight + 1};
  }

 private:
  Extent total_{0, 0};
};

Extent extent_of(const std::vector<Value>& items) {
  Summed sum;
  for (const Value& item : items) {
    sum.add(item);
  }
  return sum.container();
}

}  // namespace

Value Value::undefined(std::string hint) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(std::move(hint))};
  return value;
}

Value Value::safe(std::string text) {
  Value value;
  value.data_ = std::make_shared<const String>(String{std::move(text), true});
  return value;
}

Extent Value::extent() const {
  switch (kind()) {
    case Kind::kString:
      return {0, as_string().size() + 1};
    case Kind::kSequence:
      return as_sequence().extent;
    case Kind::kDict:
      return as_dict().extent;
    case Kind::kGenerator:
      return as_generator().extent;
    default:
      return {};
  }
}

Value Value::list(std::vector<Value> items) {
  const Extent extent = extent_of(items);
  Value value;
  value.data_ = std::make_shared<const Sequence>(Sequence{std::move(items), false, extent});
  return value;
}

Value Value::tuple(std::vector<Value> items) {
  const Extent extent = extent_of(items);
  Value value;
  value.data_ = std::make_shared<const Sequence>(Sequence{std::move(items), true, extent});
  return value;
}

Value Value::generator(std::vector<Value> items) {
  const Extent extent = extent_of(items);
  Value value;
  value.data_ = std::make_shared<Generator>(Generator{std::move(items), 0, extent});
  return value;
}

Value Value::dict(std::vector<std::pair<Value, Value>> items) {
  Summed sum;
  for (const auto& [key, item] : items) {
    sum.add(key);
    sum.add(item);
  }
  Value value;
  value.data_ = std::make_shared<const Dict>(Dict{std::move(items), sum.container()});
  return value;
}

Value Value::from_json(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return Value(json.get<bool>());
    case nlohmann::ordered_json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case nlohmann::ordered_json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw Failure(fmt::format("the integer {} does not fit 64 bits", number));
      }
      return Value(static_cast<std::int64_t>(number));
    }
    case nlohmann::ordered_json::value_t::number_float:
      return Value(json.get<double>());
    case nlohmann::ordered_json::value_t::string:
      return Value(json.get_ref<const std::string&>());
    case nlohmann::ordered_json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) {
        items.push_back(from_json(item));
      }
      return list(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      std::vector<std::pair<Value, Value>> items;
      items.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        items.emplace_back(Value(key), from_json(item));
      }
      return dict(std::move(items));
    }
    default:
      return Value(nullptr);
  }
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return as_bool();
    case Kind::kInt:
      return as_int() != 0;
    case Kind::kFloat:
      return as_double() != 0;
    case Kind::kString:
      return !as_string().empty();
    case Kind::kSequence:
      return !as_sequence().items.empty();
    case Kind::kDict:
      return !as_dict().items.empty();
    default:
      return true;
  }
}

std::string_view Value::type_name() const {
  switch (kind()) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kSequence:
      return as_sequence().tuple ? "tuple" : "list";
    case Kind::kDict:
      return "dict";
    case Kind::kGenerator:
      return "generator";
    case Kind::kCallable:
      return "function";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
  }
  return "object";
}

void Value::fail_undefined() const {
  const auto& hint = std::get<Undefined>(data_).hint;
  throw Failure(hint ? *hint : "the value is undefined");
}

const Value* find(const Dict& dict, std::string_view key) {
  for (const auto& [name, value] : dict.items) {
    if (name.is_string() && name.as_string() == key) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace lore::jinja
