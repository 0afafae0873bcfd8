#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/corpus/row.h"

namespace lore {

/// What a TBX entry (a concept) says, gathered while its XML is read. Data categories have the names of ISO
/// 30042 and TBX-Basic, whether they come as the `type` of a `descrip` (DCA) or as an element (DCT).
class TbxEntry {
 public:
  explicit TbxEntry(std::string id) : id_(std::move(id)) {}

  /// What follows belongs to a language, until the next one; an empty one is the entry itself.
  void begin_language(std::string language);
  void begin_term();
  /// `term`, `definition`, `subjectField`, `administrativeStatus`, `normativeAuthorization`, `source`; any
  /// other category is passed over.
  void add(std::string_view category, std::string_view raw);

  /// The entry as a row of a glossary: `id`, `term`, `language`, `definition`, `translations`, `definitions`,
  /// `forbidden`, `synonyms`, `domain`, `source`, as far as the entry has them. The term's language is the
  /// first that has a term which may be used. Of several terms the preferred one counts, else the first;
  /// deprecated and superseded ones are forbidden, the others synonyms. Throws: Error kInput where no term
  /// may be used, or one has no language.
  nlohmann::ordered_json row() const;

 private:
  struct Term {
    std::string text;
    bool is_preferred = false;
    bool is_forbidden = false;
  };
  struct Language {
    std::string tag;
    std::string definition;
    std::vector<Term> terms;

    const Term* best() const;
  };

  std::string id_;
  std::vector<Language> languages_;
  std::size_t language_ = 0;  // index + 1; 0 is the entry itself
  std::string definition_;
  std::string domain_;
  std::string source_;
};

}  // namespace lore
