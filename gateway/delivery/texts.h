#ifndef CONSENTRY_GATEWAY_DELIVERY_TEXTS_H_
#define CONSENTRY_GATEWAY_DELIVERY_TEXTS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/message_text.pb.h"

namespace consentry::delivery {

// What stands for the placeholders of a text, by name.
using Arguments = std::map<std::string, std::string, std::less<>>;

// A text ready to be sent.
struct Rendered {
  std::string subject;
  std::string body;
};

// The texts of the messages that people get. Immutable; safe for many threads.
//
// A text takes what its placeholders say and nothing else: codes, ids of ours,
// dates, counts. So no name and no other value of a person can get into a
// message, whoever asks for it.
class Texts {
 public:
  // Those that come with the program.
  static const Texts& Shipped();

  // InvalidArgument, naming the text and the fault: an unknown placeholder, one
  // that a language lacks, a placeholder in a subject, a line break in one.
  static absl::StatusOr<std::unique_ptr<const Texts>> Parse(
      std::string_view file, std::string_view text);

  // FIELD_INVALID unless `key` is known, and `arguments` are exactly what it
  // takes, each of its kind. The message holds none of them.
  absl::Status Check(std::string_view key, const Arguments& arguments) const;

  // In `language` ("de-AT" is "de"), else in English. Errors as Check.
  absl::StatusOr<Rendered> Render(std::string_view key,
                                  std::string_view language,
                                  const Arguments& arguments) const;

  const config::v1::MessageTexts& message() const { return texts_; }

 private:
  Texts() = default;
  const config::v1::MessageText* Find(std::string_view key) const;

  config::v1::MessageTexts texts_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_TEXTS_H_
