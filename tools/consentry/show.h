#ifndef CONSENTRY_TOOLS_CONSENTRY_SHOW_H_
#define CONSENTRY_TOOLS_CONSENTRY_SHOW_H_

#include <ostream>
#include <string>

#include "consentry/v1/audit_service.pb.h"
#include "consentry/v1/common.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/data_service.pb.h"

namespace google::protobuf {
class Message;
}

namespace consentry::tools {

// Answers as a person reads them, texts as Printable() makes them. Values of
// customers are shown here, on the terminal of whoever asked, and nowhere else.

// "CONSENT_MISSING".
std::string Word(v1::ErrorReason reason);
// "12.50 EUR", "2001-02-03", ...
std::string Text(const v1::Value& value);
// "2026-08-01 09:30:00 UTC"; empty for an unset time.
std::string Text(const google::protobuf::Timestamp& time);

// The verdict, the fields with their provenance, what was withheld and why, and
// what that rests on.
void Show(const v1::ReadSubjectResponse& response, std::ostream& out);
void Show(const v1::Decision& decision, std::ostream& out);
void Show(const v1::ExplainDecisionResponse& response, std::ostream& out);
void Show(const v1::ConsentState& state, std::ostream& out);
// One line.
void Show(const v1::AuditEntry& entry, std::ostream& out);

// Protobuf's JSON, for scripts.
void ShowJson(const google::protobuf::Message& message, std::ostream& out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SHOW_H_
