#ifndef CONSENTRY_GATEWAY_RIGHTS_LETTER_TEXTS_H_
#define CONSENTRY_GATEWAY_RIGHTS_LETTER_TEXTS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "consentry/config/v1/letter_text.pb.h"
#include "proto/support/embedded.h"

namespace consentry::rights {

// "letters.txtpb".
absl::Span<const EmbeddedFile> EmbeddedLetters();

// The words of letters and reports, as data: English, German, French, Spanish.
// Immutable; any thread.
class LetterTexts {
 public:
  // Those that come with the program.
  static const LetterTexts& Shipped();

  // InvalidArgument, naming letter, language and fault: a language missing, a
  // placeholder that is unknown or that a language lacks.
  static absl::StatusOr<std::unique_ptr<const LetterTexts>> Parse(
      std::string_view file, std::string_view text);

  struct Letter {
    std::string subject;
    std::string body;
  };
  // In the language ("de-AT" is "de"), else in English. An argument that the
  // letter does not take is left out.
  Letter Render(
      std::string_view key, std::string_view language,
      const std::map<std::string, std::string, std::less<>>& arguments) const;

  // A word or heading; empty for an unknown key.
  std::string Phrase(std::string_view key, std::string_view language) const;
  bool HasPhrase(std::string_view key) const;

  const config::v1::LetterTexts& message() const { return texts_; }

 private:
  LetterTexts() = default;

  config::v1::LetterTexts texts_;
  std::map<std::string, const config::v1::LetterText*, std::less<>> letters_;
  std::map<std::string, const config::v1::LetterPhrase*, std::less<>> phrases_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_LETTER_TEXTS_H_
