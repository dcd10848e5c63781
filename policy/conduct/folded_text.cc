#include "policy/conduct/folded_text.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "policy/conduct/entities.h"

namespace consentry::conduct {
namespace {

constexpr size_t kMaxTagBytes = 4096;

// One character of the input, or something between two that is not seen.
struct Piece {
  UChar32 c;
  uint32_t begin;
  uint32_t end;
  bool unseen;
};

bool IsAsciiAlnum(UChar32 c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

// Both live as long as the program and are const, which ICU documents as safe
// from any thread. Without their data no text can be read at all.
const UNormalizer2* Nfkd() {
  static const UNormalizer2* const nfkd = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2* const made = unorm2_getNFKDInstance(&error);
    if (U_FAILURE(error)) std::abort();
    return made;
  }();
  return nfkd;
}
const USpoofChecker* Spoof() {
  static const USpoofChecker* const spoof = [] {
    UErrorCode error = U_ZERO_ERROR;
    USpoofChecker* const made = uspoof_open(&error);
    if (U_FAILURE(error)) std::abort();
    return made;
  }();
  return spoof;
}

// Latin letters that are drawn small, which UTS 39 does not take for the usual
// ones.
char SmallCapital(UChar32 c) {
  static constexpr std::pair<UChar32, char> kLetters[] = {
      {0x0262, 'g'}, {0x026A, 'i'}, {0x0274, 'n'}, {0x0280, 'r'}, {0x028F, 'y'},
      {0x0299, 'b'}, {0x029C, 'h'}, {0x029F, 'l'}, {0x0493, 'f'}, {0x1D00, 'a'},
      {0x1D04, 'c'}, {0x1D05, 'd'}, {0x1D07, 'e'}, {0x1D0A, 'j'}, {0x1D0B, 'k'},
      {0x1D0D, 'm'}, {0x1D0F, 'o'}, {0x1D18, 'p'}, {0x1D1B, 't'}, {0x1D1C, 'u'},
      {0x1D20, 'v'}, {0x1D21, 'w'}, {0x1D22, 'z'}, {0xA730, 'f'}, {0xA731, 's'},
      {0xA7AF, 'q'}};
  for (const auto& [letter, latin] : kLetters) {
    if (letter == c) return latin;
  }
  return 0;
}

// Letters in black circles and squares, and those that flags are made of.
char Enclosed(UChar32 c) {
  for (const UChar32 first : {0x1F150, 0x1F170, 0x1F1E6}) {
    if (c >= first && c < first + 26) return static_cast<char>('a' + c - first);
  }
  return 0;
}

// The ASCII letters that `c` looks like, in lower case; empty for none.
std::string Skeleton(UChar32 c) {
  std::array<UChar, 2> in;
  int32_t length = 0;
  U16_APPEND_UNSAFE(in, length, c);
  std::array<UChar, 16> out;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t made = uspoof_getSkeleton(
      Spoof(), 0, in.data(), length, out.data(), int32_t{out.size()}, &error);
  if (U_FAILURE(error)) return {};
  std::string latin;
  for (int32_t i = 0; i < made;) {
    UChar32 one;
    U16_NEXT(out.data(), i, made, one);
    if (u_charType(one) == U_NON_SPACING_MARK) continue;
    if (!IsAsciiAlnum(one)) return {};
    latin += static_cast<char>(u_tolower(one));
  }
  // The skeleton of "m" itself.
  return latin == "rn" ? "m" : latin;
}

std::string Lookalike(UChar32 c) {
  if (const char letter = SmallCapital(c)) return {letter};
  const UChar32 lower = u_tolower(c);
  const UChar32 upper = u_toupper(c);
  std::string latin = Skeleton(c);
  // A capital that looks like I or l is told by its lower case.
  if (c != lower && latin == "l") {
    const std::string small = Skeleton(lower);
    if (small == "i") return small;
  }
  if (latin.empty() && c != upper) latin = Skeleton(upper);
  if (latin.empty() && c != lower) latin = Skeleton(lower);
  return latin;
}

void AppendUtf8(UChar32 c, std::string* out) {
  std::array<char, U8_MAX_LENGTH> bytes;
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, c);
  out->append(bytes.data(), static_cast<size_t>(length));
}

// What one character that is no ASCII folds to, after decomposition. Empty for
// a mark.
void FoldPart(UChar32 c, std::string* out) {
  if (c < 0x80) {
    *out += static_cast<char>(u_tolower(c));
    return;
  }
  const int8_t type = u_charType(c);
  switch (type) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
      return;
    case U_DECIMAL_DIGIT_NUMBER:
      *out += static_cast<char>('0' + u_charDigitValue(c));
      return;
    case U_OTHER_NUMBER: {
      const double value = u_getNumericValue(c);
      if (value >= 0 && value <= 999 && value == static_cast<int>(value)) {
        *out += std::to_string(static_cast<int>(value));
        return;
      }
      break;
    }
    case U_DASH_PUNCTUATION:
      *out += '-';
      return;
    case U_SPACE_SEPARATOR:
      *out += ' ';
      return;
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      // U+2018 to U+201B and the single guillemets.
      *out += (c >= 0x2018 && c <= 0x201B) || c == 0x2039 || c == 0x203A ? '\''
                                                                         : '"';
      return;
    default:
      break;
  }
  switch (c) {
    case 0x00DF:  // Sharp s; its skeleton would be a Greek beta.
    case 0x1E9E:
      *out += "ss";
      return;
    case 0x02BC:  // Modifier apostrophe.
    case 0x2032:  // Prime.
    case 0x00B4:  // Acute accent.
      *out += '\'';
      return;
    case 0x2212:  // Minus.
      *out += '-';
      return;
    case 0x2223:  // Divides.
    case 0x23FD:  // Power on.
      *out += 'l';
      return;
    default:
      break;
  }
  if (const char letter = Enclosed(c)) {
    *out += letter;
    return;
  }
  if (u_isalpha(c) || type == U_LETTER_NUMBER) {
    const std::string latin = Lookalike(c);
    if (!latin.empty()) {
      *out += latin;
      return;
    }
  }
  AppendUtf8(u_foldCase(c, U_FOLD_CASE_DEFAULT), out);
}

void FoldCharacter(UChar32 c, std::string* out) {
  if (c < 0x80) {
    *out += static_cast<char>(u_tolower(c));
    return;
  }
  // A dot above is part of this letter alone; all others lose theirs below.
  std::array<UChar, 32> parts;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length = unorm2_getDecomposition(Nfkd(), c, parts.data(),
                                                 int32_t{parts.size()}, &error);
  if (length < 0 || U_FAILURE(error)) {
    FoldPart(c, out);
    return;
  }
  for (int32_t i = 0; i < length;) {
    UChar32 part;
    U16_NEXT(parts.data(), i, length, part);
    FoldPart(part, out);
  }
}

bool IsUnseen(UChar32 c) {
  if (c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
    return false;
  }
  const int8_t type = u_charType(c);
  // U+2800 is a braille cell without dots, U+115F a Hangul filler of no width.
  return type == U_FORMAT_CHAR || type == U_CONTROL_CHAR ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

bool IsBlank(UChar32 c) { return u_isUWhiteSpace(c) || c == 0x2800; }

// The length of a tag or comment at the front of `text`; 0 for none.
size_t TagLength(std::string_view text) {
  if (text.size() < 3) return 0;
  const char next = text[1];
  if (text.substr(0, 4) == "<!--") {
    const size_t end = text.substr(0, kMaxTagBytes).find("-->", 4);
    return end == std::string_view::npos ? 0 : end + 3;
  }
  if (next != '/' && next != '!' && next != '?' &&
      !(IsAsciiAlnum(next) && (next < '0' || next > '9'))) {
    return 0;
  }
  const size_t end = text.substr(0, kMaxTagBytes).find('>');
  return end == std::string_view::npos ? 0 : end + 1;
}

// Characters of the input, with tags and entities resolved if asked.
std::vector<Piece> Decode(std::string_view bytes, bool read_markup,
                          bool* has_markup) {
  std::vector<Piece> pieces;
  pieces.reserve(bytes.size());
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int32_t>(bytes.size());
  for (int32_t i = 0; i < size;) {
    const auto begin = static_cast<uint32_t>(i);
    if (bytes[begin] == '<') {
      if (const size_t tag = TagLength(bytes.substr(begin))) {
        *has_markup = true;
        if (read_markup) {
          i += static_cast<int32_t>(tag);
          pieces.push_back({0, begin, static_cast<uint32_t>(i), true});
          continue;
        }
      }
    } else if (bytes[begin] == '&') {
      const Entity entity = ReadEntity(bytes.substr(begin));
      if (entity.length != 0) {
        *has_markup = true;
        if (read_markup) {
          i += static_cast<int32_t>(entity.length);
          pieces.push_back({static_cast<UChar32>(entity.code_point), begin,
                            static_cast<uint32_t>(i),
                            IsUnseen(static_cast<UChar32>(entity.code_point))});
          continue;
        }
      }
    }
    UChar32 c;
    U8_NEXT_OR_FFFD(data, i, size, c);
    pieces.push_back({c, begin, static_cast<uint32_t>(i), IsUnseen(c)});
  }
  return pieces;
}

// Turns round what stands under a right-to-left override, up to its end or that
// of the paragraph. Overrides inside one do not turn it back.
void ApplyOverrides(std::vector<Piece>* pieces) {
  constexpr UChar32 kOverride = 0x202E;
  constexpr UChar32 kPop = 0x202C;
  size_t i = 0;
  while (i < pieces->size()) {
    if ((*pieces)[i].c != kOverride) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    int depth = 1;
    for (; end < pieces->size(); ++end) {
      const UChar32 c = (*pieces)[end].c;
      if (c == '\n' || c == '\r' || c == 0x2029) break;
      if (c == 0x202A || c == 0x202B || c == 0x202D || c == kOverride) ++depth;
      if (c == kPop && --depth == 0) break;
    }
    std::reverse(pieces->begin() + static_cast<ptrdiff_t>(i) + 1,
                 pieces->begin() + static_cast<ptrdiff_t>(end));
    i = end + 1;
  }
}

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }
bool IsConsonant(char c) {
  return IsLetter(c) &&
         std::string_view("aeiouy").find(c) == std::string_view::npos;
}

// The letter that a digit or sign is written for; 0 for none.
char LetterFor(char c, char before, char after) {
  switch (c) {
    case '0':
      return 'o';
    case '1':
      return IsConsonant(before) && IsConsonant(after) ? 'i' : 'l';
    case '3':
      return 'e';
    case '4':
    case '@':
      return 'a';
    case '5':
    case '$':
      return 's';
    case '7':
      return 't';
    case '|':
      return 'l';
    default:
      return 0;
  }
}

// In every word of at least two letters, letters for digits and signs.
std::string ReplaceSigns(const std::string& text, bool* changed) {
  std::string out = text;
  const auto in_word = [&](size_t i) {
    return i < text.size() && (IsLetter(text[i]) || LetterFor(text[i], 0, 0));
  };
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    size_t letters = 0;
    for (; in_word(end); ++end) letters += IsLetter(text[end]) ? 1 : 0;
    for (size_t k = i; letters >= 2 && k < end; ++k) {
      const char before = k > i ? out[k - 1] : '\0';
      const char after = k + 1 < end ? text[k + 1] : '\0';
      if (const char letter = LetterFor(text[k], before, after)) {
        out[k] = letter;
        *changed = true;
      }
    }
    i = std::max(end, i + 1);
  }
  return out;
}

constexpr size_t kMinLettersApart = 3;

// How many single letters stand from `at` on with one and the same sign between
// them. 0 inside a word.
size_t LettersApart(const std::string& text, size_t at) {
  const auto letter = [&](size_t i) {
    return i < text.size() && IsLetter(text[i]);
  };
  if (!letter(at) || (at > 0 && letter(at - 1)) || at + 1 >= text.size()) {
    return 0;
  }
  const char sign = text[at + 1];
  if (std::string_view(" .-_*").find(sign) == std::string_view::npos) return 0;
  size_t count = 1;
  while (text[at + 2 * count - 1] == sign && letter(at + 2 * count) &&
         !letter(at + 2 * count + 1)) {
    ++count;
    if (at + 2 * count - 1 >= text.size()) break;
  }
  return count;
}

}  // namespace

class Folder {
 public:
  Folder(FoldedText* out, bool unseen_parts)
      : out_(out), unseen_parts_(unseen_parts) {}

  void Add(const Piece& piece) {
    if (piece.unseen) {
      hidden_ = hidden_ || !out_->text_.empty();
      if (unseen_parts_) Blank(piece);
      return;
    }
    if (IsBlank(piece.c)) {
      Blank(piece);
      return;
    }
    part_.clear();
    FoldCharacter(piece.c, &part_);
    for (const char c : part_) {
      if (c == ' ') {
        Blank(piece);
      } else {
        Append(c, piece);
      }
    }
  }

 private:
  void Blank(const Piece& piece) {
    if (out_->text_.empty()) return;
    if (!blank_) blank_ = FoldedText::Origin{piece.begin, piece.end};
    blank_->end = std::max(blank_->end, piece.end);
    blank_->begin = std::min(blank_->begin, piece.begin);
  }

  void Append(char c, const Piece& piece) {
    if (hidden_) {
      // A blank beside it parts the neighbours anyway.
      if (unseen_parts_ || !blank_) out_->has_unseen_ = true;
      hidden_ = false;
    }
    if (blank_) {
      out_->text_ += ' ';
      out_->origins_.push_back(*blank_);
      blank_.reset();
    }
    out_->text_ += c;
    out_->origins_.push_back({piece.begin, piece.end});
  }

  FoldedText* const out_;
  const bool unseen_parts_;
  std::optional<FoldedText::Origin> blank_;
  bool hidden_ = false;
  std::string part_;
};

FoldedText FoldedText::Fold(std::string_view bytes, Markup markup,
                            Unseen unseen) {
  FoldedText folded;
  if (bytes.size() > kMaxBytes) {
    folded.truncated_ = true;
    bytes = bytes.substr(0, kMaxBytes);
  }
  std::vector<Piece> pieces =
      Decode(bytes, markup == Markup::kRead, &folded.has_markup_);
  ApplyOverrides(&pieces);
  folded.text_.reserve(pieces.size());
  folded.origins_.reserve(pieces.size());
  Folder folder(&folded, unseen == Unseen::kParts);
  for (const Piece& piece : pieces) folder.Add(piece);
  return folded;
}

std::pair<size_t, size_t> FoldedText::Source(size_t begin,
                                             size_t length) const {
  Origin span = origins_[begin];
  for (size_t i = begin + 1; i < begin + length; ++i) {
    span.begin = std::min(span.begin, origins_[i].begin);
    span.end = std::max(span.end, origins_[i].end);
  }
  return {span.begin, span.end};
}

std::optional<FoldedText> FoldedText::Undisguised() const {
  FoldedText out;
  bool changed = false;
  const std::string letters = ReplaceSigns(text_, &changed);
  const auto keep = [&](size_t i) {
    out.text_ += letters[i];
    out.origins_.push_back(origins_[i]);
  };
  for (size_t i = 0; i < letters.size();) {
    const size_t apart = LettersApart(letters, i);
    if (apart >= kMinLettersApart) {
      changed = true;
      for (size_t k = 0; k < apart; ++k) keep(i + 2 * k);
      i += 2 * apart - 1;
    } else {
      keep(i++);
    }
  }
  if (!changed) return std::nullopt;
  out.truncated_ = truncated_;
  return out;
}

std::string FoldLetters(std::string_view text) {
  std::string out;
  const auto* const data = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c;
    U8_NEXT_OR_FFFD(data, i, size, c);
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      FoldCharacter(c, &out);
    }
  }
  return out;
}

}  // namespace consentry::conduct
