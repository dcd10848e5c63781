// Any answer as the command line shows it. Values come from customers and from
// other systems: none may steer the terminal of whoever reads them.

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <sstream>
#include <string>

#include "proto/support/utf8.h"
#include "tests/fuzz/input.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

using namespace consentry;
using fuzz::Require;

namespace {

// Nothing but lines of text; spaces and line ends are ours.
void CheckText(const std::string& text) {
  Require(IsUtf8(text));
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    Require((byte >= 0x20 || byte == '\n') && byte != 0x7f);
    // U+0080 to U+009F, which terminals take for control sequences.
    Require(byte != 0xc2 || static_cast<unsigned char>(text[i + 1]) >= 0xa0);
  }
}

template <class Message>
void CheckShown(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) return;
  std::ostringstream out;
  tools::Show(message, out);
  CheckText(out.str());
  std::ostringstream json;
  tools::ShowJson(message, json);
  CheckText(json.str());
}

void CheckError(const std::string& bytes) {
  const grpc::Status status(grpc::StatusCode::INVALID_ARGUMENT,
                            bytes.substr(0, 32), bytes);
  std::ostringstream err;
  tools::PrintError(status, err);
  if (IsUtf8(status.error_message())) CheckText(err.str());
}

void CheckName(const std::string& text) {
  const auto subject = tools::ParseSubject(text);
  if (!subject.ok()) return;
  switch (subject->ref_case()) {
    case v1::SubjectRef::kId:
      Require(subject->id() == text);
      break;
    case v1::SubjectRef::kPseudonym:
      Require(subject->pseudonym() == text);
      break;
    case v1::SubjectRef::kIdentifier:
      Require(subject->identifier().type() != v1::IDENTIFIER_TYPE_UNSPECIFIED &&
              text.size() >= subject->identifier().value().size());
      break;
    default:
      Require(false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 7) {
    case 0:
      CheckShown<v1::ReadSubjectResponse>(bytes);
      break;
    case 1:
      CheckShown<v1::Decision>(bytes);
      break;
    case 2:
      CheckShown<v1::ExplainDecisionResponse>(bytes);
      break;
    case 3:
      CheckShown<v1::ConsentState>(bytes);
      break;
    case 4:
      CheckShown<v1::AuditEntry>(bytes);
      break;
    case 5:
      CheckError(bytes);
      break;
    default:
      CheckName(bytes);
  }
  return 0;
}
