#ifndef CONSENTRY_TOOLS_CONSENTRY_DEMO_TOUR_H_
#define CONSENTRY_TOOLS_CONSENTRY_DEMO_TOUR_H_

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "consentry/v1/data_service.pb.h"

namespace grpc {
class Channel;
}

namespace consentry::tools {

// The guided tour of `consentry demo`: asks a running gateway what different
// systems would ask, and prints question, answer and reason. Each step checks
// its outcome; the first that is not as it should be ends the tour with an
// error, so that the tour is a test as well.
class DemoTour {
 public:
  struct Options {
    // The demonstration's folder, with the certificates of its systems.
    std::string folder;
    std::string address;
    // What a person types to start this program, for commands to paste.
    std::string program;
  };
  // `out` outlives the tour.
  DemoTour(Options options, std::ostream* out);

  absl::Status Run();

  // Three commands to paste: a read, a denial, its explanation.
  void PrintCommands() const;

 private:
  absl::Status Support();
  absl::Status Marketing();
  absl::Status Analytics();
  absl::Status Californian();
  absl::Status Erasure();
  absl::Status FalseScarcity();
  absl::Status QuietHours();
  absl::Status DistressPrice();
  absl::Status CreditDecision();
  absl::Status Fairness();
  absl::Status FairnessAudit();
  absl::Status Stranger();
  absl::Status Log();

  // Records as the system of the channel, which attests it, that a customer
  // consents, and prints the new state.
  absl::Status GiveConsent(const std::shared_ptr<grpc::Channel>& channel,
                           std::string_view customer,
                           const std::string& purpose,
                           const std::string& notice);

  void Title(const std::string& text);
  void Ask(const std::string& text);
  void Say(const std::string& label, const std::string& text);
  // All lines, set in below what was asked.
  void Print(const std::string& lines);
  void Print(const v1::ReadSubjectResponse& response);

  const Options options_;
  std::ostream* const out_;
  int step_ = 0;
  std::string denied_decision_;
};

// The systems that the demonstration registers.
inline constexpr char kDemoImporter[] = "data-import";
inline constexpr char kDemoHelpdesk[] = "helpdesk";
inline constexpr char kDemoNewsletter[] = "newsletter";
inline constexpr char kDemoReports[] = "reports";
inline constexpr char kDemoPartner[] = "ad-partner";
// Makes pages, messages, prices and decisions.
inline constexpr char kDemoEngine[] = "engine";
// Who approves erasures.
inline constexpr char kDemoOfficer[] = "dpo";
// Who looks at what machines decided.
inline constexpr char kDemoReviewer[] = "reviewer";

// Purposes that the demonstration has beside those of `consentry init`.
inline constexpr char kDemoPricing[] = "personalize.price";
inline constexpr char kDemoCredit[] = "payment.on_account";

// The fairness profile that the officer puts into force.
inline constexpr char kDemoProfile[] = "vouchers";

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_DEMO_TOUR_H_
