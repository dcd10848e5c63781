// The linter of the API: walks every descriptor of consentry.v1, comments
// included, and names what breaks the rules of the house.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "consentry/v1/annotations.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "re2/re2.h"

namespace consentry {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// The API as protoc writes it, with comments.
class ApiDescriptors {
 public:
  ApiDescriptors() {
    std::ifstream in(CONSENTRY_API_DESCRIPTORS, std::ios::binary);
    google::protobuf::FileDescriptorSet set;
    if (!set.ParseFromIstream(&in)) return;
    for (const auto& file : set.file()) {
      const FileDescriptor* built = pool_.BuildFile(file);
      if (built == nullptr) return;
      if (built->package() == "consentry.v1") files_.push_back(built);
    }
  }

  const std::vector<const FileDescriptor*>& files() const { return files_; }

  std::vector<const Descriptor*> Messages() const {
    std::vector<const Descriptor*> all;
    const std::function<void(const Descriptor*)> add =
        [&](const Descriptor* message) {
          if (message->options().map_entry()) return;
          all.push_back(message);
          for (int i = 0; i < message->nested_type_count(); ++i) {
            add(message->nested_type(i));
          }
        };
    for (const FileDescriptor* file : files_) {
      for (int i = 0; i < file->message_type_count(); ++i) {
        add(file->message_type(i));
      }
    }
    return all;
  }

  std::vector<const EnumDescriptor*> Enums() const {
    std::vector<const EnumDescriptor*> all;
    for (const FileDescriptor* file : files_) {
      for (int i = 0; i < file->enum_type_count(); ++i) {
        all.push_back(file->enum_type(i));
      }
    }
    for (const Descriptor* message : Messages()) {
      for (int i = 0; i < message->enum_type_count(); ++i) {
        all.push_back(message->enum_type(i));
      }
    }
    return all;
  }

  std::vector<const ServiceDescriptor*> Services() const {
    std::vector<const ServiceDescriptor*> all;
    for (const FileDescriptor* file : files_) {
      for (int i = 0; i < file->service_count(); ++i) {
        all.push_back(file->service(i));
      }
    }
    return all;
  }

  std::vector<const MethodDescriptor*> Methods() const {
    std::vector<const MethodDescriptor*> all;
    for (const ServiceDescriptor* service : Services()) {
      for (int i = 0; i < service->method_count(); ++i) {
        all.push_back(service->method(i));
      }
    }
    return all;
  }

 private:
  google::protobuf::DescriptorPool pool_;
  std::vector<const FileDescriptor*> files_;
};

const ApiDescriptors& Api() {
  static const ApiDescriptors* const api = new ApiDescriptors();
  return *api;
}

template <class D>
bool HasComment(const D* descriptor) {
  google::protobuf::SourceLocation location;
  return descriptor->GetSourceLocation(&location) &&
         !absl::StripAsciiWhitespace(location.leading_comments).empty();
}

std::string SnakeUpper(const std::string& camel) {
  std::string out;
  for (size_t i = 0; i < camel.size(); ++i) {
    const auto c = static_cast<unsigned char>(camel[i]);
    if (std::isupper(c) && i > 0) out.push_back('_');
    out.push_back(static_cast<char>(std::toupper(c)));
  }
  return out;
}

bool HasField(const Descriptor* message, const std::string& name,
              FieldDescriptor::Type type) {
  const FieldDescriptor* field = message->FindFieldByName(name);
  return field != nullptr && field->type() == type && !field->is_repeated();
}

TEST(DescriptorTest, WholeApiIsThere) {
  std::set<std::string> services;
  for (const auto* service : Api().Services()) services.insert(service->name());
  EXPECT_THAT(services, ::testing::UnorderedElementsAre(
                            "AdminService", "AuditService", "ConsentService",
                            "DataService", "ReviewService", "RightsService",
                            "ScreeningService"));
}

TEST(DescriptorTest, EveryMethodNamesPermissionAndAuditEvent) {
  static const RE2 kPattern("[a-z][a-z_]*(\\.[a-z][a-z_]*)+");
  for (const auto* method : Api().Methods()) {
    const auto& options = method->options();
    EXPECT_TRUE(RE2::FullMatch(options.GetExtension(v1::permission), kPattern))
        << method->full_name() << " lacks a permission like data.read";
    EXPECT_TRUE(RE2::FullMatch(options.GetExtension(v1::audit_event), kPattern))
        << method->full_name() << " lacks an audit event like data.read";
  }
}

TEST(DescriptorTest, EveryEnumStartsUnspecifiedAndIsPrefixed) {
  for (const auto* type : Api().Enums()) {
    const std::string prefix = SnakeUpper(type->name()) + "_";
    ASSERT_GT(type->value_count(), 0);
    EXPECT_EQ(type->value(0)->number(), 0) << type->full_name();
    EXPECT_EQ(type->value(0)->name(), prefix + "UNSPECIFIED")
        << type->full_name();
    for (int i = 0; i < type->value_count(); ++i) {
      EXPECT_TRUE(absl::StartsWith(type->value(i)->name(), prefix))
          << type->value(i)->full_name() << " lacks the prefix " << prefix;
    }
  }
}

TEST(DescriptorTest, EveryListIsPagedByToken) {
  // A unary method whose answer repeats and whose size the request does not
  // bound is a list, whatever its verb.
  static const std::set<std::string> kVerbs = {"List", "Query", "Select",
                                               "Fetch"};
  for (const auto* method : Api().Methods()) {
    if (method->server_streaming() || method->client_streaming()) continue;
    bool list = false;
    for (const std::string& verb : kVerbs) {
      list = list || absl::StartsWith(method->name(), verb);
    }
    const bool paged =
        method->input_type()->FindFieldByName("page_token") != nullptr ||
        method->output_type()->FindFieldByName("next_page_token") != nullptr;
    if (!list && !paged) continue;
    EXPECT_TRUE(HasField(method->input_type(), "page_size",
                         FieldDescriptor::TYPE_INT32))
        << method->full_name() << " lacks int32 page_size";
    EXPECT_TRUE(HasField(method->input_type(), "page_token",
                         FieldDescriptor::TYPE_STRING))
        << method->full_name() << " lacks string page_token";
    EXPECT_TRUE(HasField(method->output_type(), "next_page_token",
                         FieldDescriptor::TYPE_STRING))
        << method->full_name() << " lacks string next_page_token";
  }
}

TEST(DescriptorTest, RequestsAndAnswersAreNamedAfterTheirMethod) {
  // Answers that are neither MethodResponse nor a resource, and why.
  static const std::map<std::string, std::string> kAllowed = {
      {"RenewConsent", "the states after the event, as RecordConsent"},
      {"CompleteDoubleOptIn", "the states after the event, as RecordConsent"},
  };
  std::set<std::string> used;
  for (const auto* method : Api().Methods()) {
    EXPECT_EQ(method->input_type()->name(), method->name() + "Request")
        << method->full_name();
    const std::string answer = method->output_type()->name();
    if (answer == method->name() + "Response") continue;
    // A resource or a finding under its own name (AIP-131 to 136).
    if (!absl::EndsWith(answer, "Response") &&
        !absl::EndsWith(answer, "Request")) {
      continue;
    }
    EXPECT_TRUE(kAllowed.count(method->name()) == 1)
        << method->full_name() << " answers with " << answer;
    used.insert(method->name());
  }
  for (const auto& [name, reason] : kAllowed) {
    EXPECT_EQ(used.count(name), 1u) << name << " is no exception any more";
  }
}

TEST(DescriptorTest, WritesTakeARequestId) {
  // Methods that change something and need none: repeating them changes
  // nothing, by what stands beside each.
  static const std::map<std::string, std::string> kAllowed = {
      {"ImportRecords", "a row already taken changes nothing"},
      {"ScreenOutput", "the output's id"},
      {"RecordOutcome", "the same outcome counts once"},
  };
  static const RE2 kReads(
      "(data\\.(read|check|select)|decisions\\.explain|[a-z_]+\\.read|"
      "audit\\.export|consent\\.watch|rights\\.download|screening\\.("
      "fetch|case|screen)|reviews\\.figures)");
  for (const auto* method : Api().Methods()) {
    const std::string permission =
        method->options().GetExtension(v1::permission);
    if (RE2::FullMatch(permission, kReads)) continue;
    if (absl::StartsWith(method->name(), "List") ||
        absl::StartsWith(method->name(), "Get") ||
        absl::StartsWith(method->name(), "Show")) {
      continue;
    }
    if (kAllowed.count(method->name()) == 1) continue;
    EXPECT_TRUE(HasField(method->input_type(), "request_id",
                         FieldDescriptor::TYPE_STRING))
        << method->full_name() << " changes state without a request_id";
  }
}

// Names under which personal data hides, and the type of any value.
bool LooksPersonal(const FieldDescriptor* field) {
  static const std::set<std::string> kNames = {
      "value",       "birth_date", "residence",    "email",       "phone",
      "first_name",  "last_name",  "display_name", "statement",   "rationale",
      "source_key",  "address",    "postal_code",  "given_name",  "new_outcome",
      "family_name", "text",       "proposal",     "explanation", "score",
      "label"};
  static const std::set<std::string> kSecrets = {
      "code", "handle", "password", "secret", "private_key", "token", "login"};
  // What the list catches without cause, and why.
  static const std::map<std::string, std::string> kHarmless = {
      {"consentry.v1.Notice.text", "a published text, the same for everyone"},
      {"consentry.v1.ExplainStep.text", "holds no value of the customer"},
      {"consentry.v1.PurposeUse.text", "a text of the purpose registry"},
      {"consentry.v1.ProcessingActivity.text", "a text of the registry"},
      {"consentry.v1.FairnessProfile.text", "configuration"},
      {"consentry.v1.FairnessFigure.value", "an aggregate over groups"},
      {"consentry.v1.ImportHeader.label", "the name of a file"},
  };
  if (kHarmless.count(field->full_name()) == 1) return false;
  if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
    if (field->is_map()) {
      const auto* value = field->message_type()->FindFieldByName("value");
      return value->type() == FieldDescriptor::TYPE_MESSAGE &&
             value->message_type()->full_name() == "consentry.v1.Value";
    }
    return field->message_type()->full_name() == "consentry.v1.Value";
  }
  if (field->type() == FieldDescriptor::TYPE_BOOL ||
      field->type() == FieldDescriptor::TYPE_ENUM) {
    return false;
  }
  return kNames.count(field->name()) == 1 || kSecrets.count(field->name()) == 1;
}

TEST(DescriptorTest, FieldsThatLookPersonalSaySo) {
  for (const auto* message : Api().Messages()) {
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor* field = message->field(i);
      const v1::DataClass data_class =
          field->options().GetExtension(v1::data_class);
      if (LooksPersonal(field)) {
        EXPECT_GE(data_class, v1::DATA_CLASS_PERSONAL)
            << field->full_name() << " looks personal and has no data_class";
      }
      if (field->options().HasExtension(v1::data_class)) {
        EXPECT_NE(data_class, v1::DATA_CLASS_UNSPECIFIED) << field->full_name();
      }
    }
  }
}

TEST(DescriptorTest, EverythingIsCommented) {
  const auto check = [](const auto* descriptor) {
    EXPECT_TRUE(HasComment(descriptor))
        << descriptor->full_name() << " has no comment above it";
  };
  for (const auto* service : Api().Services()) check(service);
  for (const auto* method : Api().Methods()) check(method);
  for (const auto* message : Api().Messages()) {
    check(message);
    for (int i = 0; i < message->field_count(); ++i) check(message->field(i));
  }
  for (const auto* type : Api().Enums()) {
    check(type);
    for (int i = 0; i < type->value_count(); ++i) {
      // full_name() of a value leaves out its type, which the prefix repeats.
      check(type->value(i));
    }
  }
}

TEST(DescriptorTest, EveryFileCanBeGeneratedForJavaAndGo) {
  for (const auto* file : Api().files()) {
    EXPECT_EQ(file->options().java_package(), "dev.consentry.v1")
        << file->name();
    EXPECT_TRUE(file->options().java_multiple_files()) << file->name();
    EXPECT_EQ(file->options().go_package(), "consentry.dev/api/v1;consentryv1")
        << file->name();
  }
}

}  // namespace
}  // namespace consentry
