#ifndef CONSENTRY_POLICY_CONDUCT_FOLDED_TEXT_H_
#define CONSENTRY_POLICY_CONDUCT_FOLDED_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consentry::conduct {

// What a text says once everything is put aside that readers do not see or see
// through: a text to look for claims in, never one to show or to store.
//
// In this order: bytes that are no UTF-8 become U+FFFD; text under a
// right-to-left override (U+202E) is turned round, as it is seen; what is not
// seen at all (default ignorable code points, format and control characters) is
// dropped; compatibility decomposition (NFKD, UAX 15) without combining and
// enclosing marks; letters that look like Latin ones become those (the
// skeletons of UTS 39, over both cases, and small capitals); digits of any
// script become 0 to 9; case is folded; dashes, quotation marks and apostrophes
// of every kind become - " and '; every run of white space becomes one space,
// none at the ends.
class FoldedText {
 public:
  enum class Markup {
    kKeep,
    // Tags are not seen, entities are the characters they name.
    kRead,
  };
  enum class Unseen {
    // What is not seen joins its neighbours.
    kJoins,
    // It parts them, as a zero-width space between two words does.
    kParts,
  };

  // Any bytes. Reads at most kMaxBytes; Truncated() tells. Any thread.
  static FoldedText Fold(std::string_view bytes, Markup markup, Unseen unseen);

  static constexpr size_t kMaxBytes = 256 << 10;

  // The same with disguises undone that ASCII is enough for: digits and signs
  // in place of letters ("0nly 2 l3ft", "$ale"), and letters set apart ("l e f
  // t", "l.e.f.t"). Absent: there are none. It reads numbers inside words away,
  // so it is looked at besides this text, never instead.
  std::optional<FoldedText> Undisguised() const;

  const std::string& text() const { return text_; }
  // The input was longer than kMaxBytes.
  bool truncated() const { return truncated_; }
  // Something between two letters or digits was not seen or was markup, so that
  // another way of folding could read otherwise.
  bool has_unseen() const { return has_unseen_; }
  bool has_markup() const { return has_markup_; }

  // The bytes of the input, [first, second), from which a stretch of text()
  // came that is not empty.
  std::pair<size_t, size_t> Source(size_t begin, size_t length) const;

 private:
  friend class Folder;
  struct Origin {
    uint32_t begin;
    uint32_t end;
  };

  std::string text_;
  std::vector<Origin> origins_;  // One per byte of text_.
  bool truncated_ = false;
  bool has_unseen_ = false;
  bool has_markup_ = false;
};

// `text` without spelling: what a letter outside ASCII becomes by Fold(), ASCII
// left as it is. For expressions, in which ASCII has a meaning.
std::string FoldLetters(std::string_view text);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_FOLDED_TEXT_H_
