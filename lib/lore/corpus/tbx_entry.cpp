#include "lore/corpus/tbx_entry.h"

#include <algorithm>

#include "lore/core/error.h"

namespace lore {
namespace {

/// `text` with each run of white space as one space, and none at either end: XML is laid out in lines.
std::string collapsed(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  std::string result;
  for (std::size_t i = text.find_first_not_of(kWhiteSpace); i < text.size();) {
    const std::size_t end = std::min(text.find_first_of(kWhiteSpace, i), text.size());
    result += result.empty() ? "" : " ";
    result += text.substr(i, end - i);
    i = std::min(text.find_first_not_of(kWhiteSpace, end), text.size());
  }
  return result;
}

void set_once(std::string& member, std::string text) {
  if (member.empty()) {
    member = std::move(text);
  }
}

}  // namespace

const TbxEntry::Term* TbxEntry::Language::best() const {
  const auto usable = [](const Term& term) { return !term.is_forbidden && !term.text.empty(); };
  const auto preferred =
      std::ranges::find_if(terms, [&](const Term& term) { return usable(term) && term.is_preferred; });
  const auto found = preferred != terms.end() ? preferred : std::ranges::find_if(terms, usable);
  return found == terms.end() ? nullptr : &*found;
}

void TbxEntry::begin_language(std::string language) {
  if (language.empty()) {
    language_ = 0;
    return;
  }
  auto found = std::ranges::find(languages_, language, &Language::tag);
  if (found == languages_.end()) {
    found = languages_.insert(found, Language{std::move(language), {}, {}});
  }
  language_ = static_cast<std::size_t>(found - languages_.begin()) + 1;
}

void TbxEntry::begin_term() {
  if (language_ == 0) {
    throw Error(ErrorKind::kInput, "entry", "a term has no language (xml:lang)");
  }
  languages_[language_ - 1].terms.emplace_back();
}

void TbxEntry::add(std::string_view category, std::string_view raw) {
  std::string text = collapsed(raw);
  Language* language = language_ == 0 ? nullptr : &languages_[language_ - 1];
  Term* term = language == nullptr || language->terms.empty() ? nullptr : &language->terms.back();
  if (category == "term" && term != nullptr) {
    term->text = std::move(text);
  } else if (category == "definition") {
    set_once(language != nullptr ? language->definition : definition_, std::move(text));
  } else if (category == "subjectField") {
    set_once(domain_, std::move(text));
  } else if (category == "source") {
    set_once(source_, std::move(text));
  } else if ((category == "administrativeStatus" || category == "normativeAuthorization") &&
             term != nullptr) {
    // With the `-admn-sts` that picklist values end with, or without.
    term->is_forbidden =
        term->is_forbidden || text.starts_with("deprecatedTerm") || text.starts_with("supersededTerm");
    term->is_preferred = term->is_preferred || text.starts_with("preferredTerm");
  }
}

nlohmann::ordered_json TbxEntry::row() const {
  const auto main = std::ranges::find_if(languages_, [](const Language& l) { return l.best() != nullptr; });
  if (main == languages_.end()) {
    throw Error(ErrorKind::kInput, "entry", "has no term that may be used");
  }
  nlohmann::ordered_json row = nlohmann::ordered_json::object();
  const auto put = [&](const char* key, const std::string& text) {
    if (!text.empty()) {
      row[key] = text;
    }
  };
  put("id", id_);
  row["term"] = main->best()->text;
  row["language"] = main->tag;
  put("definition", main->definition.empty() ? definition_ : main->definition);
  for (const Language& language : languages_) {
    if (const Term* best = language.best(); best != nullptr && &language != &*main) {
      row["translations"][language.tag] = best->text;
    }
  }
  for (const Language& language : languages_) {
    if (!language.definition.empty() && &language != &*main) {
      row["definitions"][language.tag] = language.definition;
    }
  }
  for (const Language& language : languages_) {
    const Term* best = language.best();
    for (const Term& term : language.terms) {
      if (&term != best && !term.text.empty()) {
        row[term.is_forbidden ? "forbidden" : "synonyms"][language.tag].push_back(term.text);
      }
    }
  }
  put("domain", domain_);
  put("source", source_);
  return row;
}

}  // namespace lore
