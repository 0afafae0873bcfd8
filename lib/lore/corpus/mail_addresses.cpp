#include "lore/corpus/mail_addresses.h"

#include <algorithm>
#include <array>
#include <string>

#include "lore/corpus/number_runs.h"

namespace lore {
namespace {

/// Top-level domains of more than two letters that mail goes to, and those of examples and inner networks.
/// Others are taken for names of files and of members in programs.
constexpr std::array<std::string_view, 120> kDomains = {
    "com",       "net",      "org",        "edu",        "gov",        "mil",        "int",
    "info",      "biz",      "name",       "pro",        "top",        "xyz",        "site",
    "online",    "shop",     "store",      "club",       "app",        "dev",        "tech",
    "cloud",     "email",    "ltd",        "group",      "vip",        "work",       "wang",
    "mobi",      "asia",     "cat",        "jobs",       "travel",     "museum",     "tel",
    "aero",      "coop",     "live",       "space",      "fun",        "icu",        "bank",
    "fund",      "finance",  "law",        "legal",      "company",    "world",      "today",
    "life",      "news",     "media",      "example",    "test",       "invalid",    "local",
    "internal",  "corp",     "lan",        "home",       "global",     "digital",    "network",
    "systems",   "services", "solutions",  "agency",     "studio",     "design",     "press",
    "support",   "center",   "capital",    "holdings",   "insurance",  "health",     "care",
    "education", "academy",  "university", "technology", "software",   "consulting", "engineering",
    "partners",  "ventures", "management", "marketing",  "foundation", "institute",  "school",
    "college",   "blog",     "art",        "xin",        "ren",        "games",      "guru",
    "expert",    "city",     "zone",       "chat",       "money",      "credit",     "tax",
    "energy",    "bio",      "eco",        "africa",     "berlin",     "london",     "nyc",
    "tokyo",     "paris",    "wiki",       "page",       "website",    "tools",      "team",
    "works"};

bool is_local(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
}

/// Bytes of letters of Latin, Greek and Cyrillic alphabets, which addresses may have.
bool is_local_letter(std::string_view text, std::size_t position) {
  const auto lead = static_cast<unsigned char>(text[position]);
  return (lead >= 0xC3 && lead <= 0xCA) || (lead >= 0xCE && lead <= 0xD3);
}

std::size_t local_begin(std::string_view text, std::size_t floor, std::size_t at) {
  constexpr std::size_t kLongest = 64;
  std::size_t begin = at;
  while (begin > floor && at - begin < kLongest) {
    const auto [character, length] = folded_before(text, begin);
    if (length == 0 || begin - length < floor ||
        !(is_local(character) ||
          (character == kOther && length == 2 && is_local_letter(text, begin - length)))) {
      break;
    }
    begin -= length;
  }
  // What surrounds an address in text is not part of it: "to=a@b.com", "'a@b.com'", "mail/a@b.com".
  for (std::size_t i = at; i > begin;) {
    const auto [character, length] = folded_before(text, i);
    i -= length;
    if (character != '.' && character != '_' && character != '-' && character != '+' && character != '%' &&
        character != kOther && !is_letter(character) && !is_digit(character)) {
      begin = i + length;
      break;
    }
  }
  while (begin < at && (folded_at(text, begin).character == '.' || folded_at(text, begin).character == '-')) {
    begin += folded_at(text, begin).length;
  }
  return begin;
}

bool is_mail_domain(const std::string& domain) {
  const std::size_t dot = domain.rfind('.');
  if (dot == std::string::npos || dot == 0 || domain.find("..") != std::string::npos) {
    return false;
  }
  const std::string last = domain.substr(dot + 1);
  if (last.size() < 2 || !std::all_of(last.begin(), last.end(), is_letter)) {
    return false;
  }
  // "image@2x.io": how files of double size are named.
  const bool scaled = is_digit(domain[0]) && dot == 2 && domain[1] == 'x';
  return !scaled && (last.size() == 2 || std::ranges::count(kDomains, last) > 0);
}

}  // namespace

std::optional<std::pair<std::size_t, std::size_t>> match_mail_address(std::string_view text,
                                                                      std::size_t floor, std::size_t at,
                                                                      std::size_t length) {
  const std::size_t begin = local_begin(text, floor, at);
  if (begin == at || folded_before(text, at).character == '.') {
    return {};
  }
  std::string domain;
  std::size_t end = 0;
  for (std::size_t i = at + length; i < text.size() && domain.size() < 254;) {
    const auto [character, bytes] = folded_at(text, i);
    if (!is_letter(character) && !is_digit(character) && character != '-' && character != '.') {
      break;
    }
    domain += character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A')) : character;
    i += bytes;
    // A sentence may end with an address.
    if (character != '.' && character != '-') {
      end = i;
    } else if (end == 0) {
      return {};
    }
  }
  while (!domain.empty() && (domain.back() == '.' || domain.back() == '-')) {
    domain.pop_back();
  }
  if (end == 0 || !is_mail_domain(domain)) {
    return {};
  }
  // "git@host.com:group/name" and "scheme://name:word@host" are no addresses of people.
  const auto [after, bytes] = folded_at(text, end);
  const char next = folded_at(text, end + bytes).character;
  const std::string_view before =
      text.substr(begin - std::min<std::size_t>(begin, 80), std::min<std::size_t>(begin, 80));
  const std::size_t scheme = before.rfind("://");
  const bool in_url = scheme != std::string_view::npos &&
                      before.substr(scheme + 3).find_first_of("/ \n\t?\"'<>,;()") == std::string_view::npos;
  if (after == '(' || in_url ||
      (after == ':' && (is_letter(next) || next == '/' || next == '~' || next == '_'))) {
    return {};
  }
  return std::pair(begin, end);
}

}  // namespace lore
