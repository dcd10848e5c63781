#include "proto/support/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/store/v1/subject.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "consentry/v1/annotations.pb.h"
#include "consentry/v1/audit_service.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "google/protobuf/descriptor.h"

namespace consentry {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCanary[] = "Zaphod";
constexpr int64_t kCanaryNumber = 4242424242;
constexpr char kHarmless[] = "benign";

// Fills every field at random depth: canaries where the class or an enclosing
// field says personal, harmless text elsewhere.
class Filler {
 public:
  explicit Filler(uint32_t seed) : random_(seed) {}

  void Fill(Message* message, bool personal, int depth) {
    const Descriptor* descriptor = message->GetDescriptor();
    const Reflection* reflection = message->GetReflection();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (random_() % 8 == 0) continue;
      const bool protect =
          personal || field->options().GetExtension(v1::data_class) >=
                          v1::DATA_CLASS_PERSONAL;
      const int count =
          field->is_repeated() ? static_cast<int>(random_() % 3) : 1;
      for (int n = 0; n < count; ++n) {
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          if (depth == 0) continue;
          Message* child = field->is_repeated()
                               ? reflection->AddMessage(message, field)
                               : reflection->MutableMessage(message, field);
          // Times carry no canary: they have no field to hold one.
          if (child->GetDescriptor()->file()->package() != "google.protobuf") {
            Fill(child, protect, depth - 1);
          }
          continue;
        }
        Scalar(message, field, protect);
      }
    }
  }

 private:
  void Scalar(Message* message, const FieldDescriptor* field, bool protect) {
    const Reflection* reflection = message->GetReflection();
    const std::string text = protect ? kCanary : kHarmless;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (field->is_repeated()) {
        reflection->AddString(message, field, text);
      } else {
        reflection->SetString(message, field, text);
      }
      return;
    }
    if (!protect || field->is_repeated()) return;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      reflection->SetInt64(message, field, kCanaryNumber);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      reflection->SetDouble(message, field, static_cast<double>(kCanaryNumber));
    }
  }

  std::mt19937 random_;
};

std::vector<const Message*> EveryMessageOfTheApi() {
  std::vector<const Message*> all;
  const auto add_file = [&all](const google::protobuf::FileDescriptor* file) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      all.push_back(
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(
              file->message_type(i)));
    }
  };
  add_file(v1::Client::descriptor()->file());
  add_file(v1::AuditEntry::descriptor()->file());
  add_file(v1::ConsentState::descriptor()->file());
  add_file(v1::ReadSubjectRequest::descriptor()->file());
  add_file(v1::Review::descriptor()->file());
  add_file(v1::RightsCase::descriptor()->file());
  add_file(v1::Screening::descriptor()->file());
  return all;
}

TEST(RedactTest, NoCanaryOfAnyMessageGetsOut) {
  int with_harmless = 0;
  for (const Message* prototype : EveryMessageOfTheApi()) {
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      const std::unique_ptr<Message> message(prototype->New());
      Filler(seed).Fill(message.get(), false, 4);
      const std::string line = Redact(*message);
      ASSERT_THAT(line, Not(HasSubstr(kCanary)))
          << prototype->GetDescriptor()->full_name();
      ASSERT_THAT(line, Not(HasSubstr(absl::StrCat(kCanaryNumber))))
          << prototype->GetDescriptor()->full_name();
      if (line.find(kHarmless) != std::string::npos) ++with_harmless;
    }
  }
  // It is no proof to print nothing.
  EXPECT_GT(with_harmless, 500);
}

TEST(RedactTest, ShowsWhatHelpsAndMasksTheRest) {
  v1::ReadSubjectRequest request;
  auto* identifier = request.mutable_subject()->mutable_identifier();
  identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  identifier->set_value("someone@example.org");
  request.set_purpose("essential.service.support");
  request.add_fields("profile.email");
  EXPECT_EQ(Redact(request),
            "subject { identifier { type: IDENTIFIER_TYPE_EMAIL value: "
            "<personal> } } purpose: \"essential.service.support\" fields: "
            "\"profile.email\"");
}

TEST(RedactTest, MapOfPersonalValuesIsMaskedWithItsKeys) {
  v1::ImportRow row;
  (*row.mutable_values())["email"].set_string_value("someone@example.org");
  EXPECT_EQ(Redact(row), "values: <special>");
}

TEST(RedactTest, MessageOfAnotherPackageIsNotShown) {
  store::v1::SubjectHead head;
  EXPECT_EQ(Redact(head), "<unclassified>");
}

TEST(RedactTest, LongAndBinaryTextIsCutAndEscaped) {
  v1::ReadSubjectRequest request;
  request.set_purpose(std::string("\n\x01\"") + std::string(5000, 'a'));
  const std::string line = Redact(request);
  EXPECT_LT(line.size(), 200u);
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  for (int i = 0; i < 1000; ++i) request.add_fields("profile.email");
  EXPECT_LE(Redact(request).size(), kMaxRedactedLine + 3);
}

TEST(RedactTest, UnknownFieldsAreCountedOnly) {
  v1::GetClientRequest request;
  ASSERT_TRUE(request.ParseFromString(std::string("\x92\x3f\x06Zaphod", 9)));
  EXPECT_EQ(Redact(request), "<1 unknown>");
}

}  // namespace
}  // namespace consentry
