#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Where a piece of YAML stands.
struct YamlPlace {
  static constexpr int kFile = -1;

  int source = kFile;  ///< kFile, or the index of an override
  int line = 1;        ///< from 1
  int column = 1;      ///< from 1, in characters

  bool operator==(const YamlPlace&) const = default;
};

struct YamlNode;
/// Nodes are never changed, so an alias shares the node of its anchor.
using YamlNodePtr = std::shared_ptr<const YamlNode>;

/// One `key: value` of a mapping.
struct YamlEntry {
  YamlPlace place;  ///< of the key
  std::string key;
  YamlNodePtr value;
};

/// One value of a YAML document.
struct YamlNode {
  enum class Kind { kNull, kPlain, kQuoted, kList, kMap };

  Kind kind = Kind::kNull;
  YamlPlace place;
  std::string text;                ///< of kPlain and kQuoted
  std::vector<YamlNodePtr> items;  ///< of kList
  std::vector<YamlEntry> entries;  ///< of kMap, in order, each key once
  std::size_t size = 1;            ///< nodes from here down, each alias counted in full
  int height = 1;                  ///< levels from here down

  /// The entry of a mapping, or null.
  const YamlEntry* find(std::string_view key) const;
};

/// What is wrong at a place of a YAML document.
struct YamlProblem {
  YamlPlace place;
  std::string message;
};

/// Bounds of a document: aliases make a small file stand for a huge tree.
inline constexpr std::size_t kMostYamlBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMostYamlNodes = 100'000;
inline constexpr int kMostYamlLevels = 64;

/// Reads the one YAML document in `text` by yaml-cpp. Every place gets `source`.
///
/// A mapping with a repeated key keeps the first and adds a problem. Returns null, with a problem added,
/// where there is no document to speak of: not YAML, not UTF-8, control characters, or beyond the bounds.
YamlNodePtr parse_yaml(std::string_view text, int source, std::vector<YamlProblem>& problems);

}  // namespace lore
