#ifndef CONSENTRY_TOOLS_CONSENTRY_INIT_QUESTIONS_H_
#define CONSENTRY_TOOLS_CONSENTRY_INIT_QUESTIONS_H_

#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/server/initialise.h"

namespace consentry::tools {

// The five questions of `consentry init`, and how their answers are read. Pure
// but for the streams given.

// A country or state as people write it ("DE", "germany", "us-ca", "US-CA"), as
// ISO 3166 code. InvalidArgument for what is none; the message repeats it.
absl::StatusOr<std::string> ParsePlace(std::string_view text);

// A system that holds customers: "crm", "crm=Our CRM", or a title alone ("Web
// shop"), whose key is made of its letters: web_shop.
absl::StatusOr<server::SourceChoice> ParseSource(std::string_view text);

// Parts of a line, split at commas, or at spaces where there is no comma.
std::vector<std::string> SplitAnswer(std::string_view line);

// A purpose of the sample registry.
struct SamplePurpose {
  std::string key;
  std::string title;
};
std::vector<SamplePurpose> SamplePurposes();

// Asks, repeats a question until its answer can be read, and fills what the
// answers say. Aborted at the end of `in`.
absl::Status AskQuestions(std::istream& in, std::ostream& out,
                          server::InitialiseOptions* options);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_INIT_QUESTIONS_H_
