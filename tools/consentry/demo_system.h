#ifndef CONSENTRY_TOOLS_CONSENTRY_DEMO_SYSTEM_H_
#define CONSENTRY_TOOLS_CONSENTRY_DEMO_SYSTEM_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tools/consentry/demo_tour.h"

namespace consentry::tools {

// A customer of the sample shop by its number.
v1::SubjectRef Crm(std::string_view number);

// A step came out otherwise than it should.
absl::Status Unexpected(const std::string& what);

// Reason and message of a failed call.
absl::Status FromRpc(const grpc::Status& status);

v1::ReadSubjectRequest Question(std::string_view customer,
                                const std::string& purpose,
                                const std::vector<std::string>& fields,
                                v1::Channel channel);

// One system of the shop, or a person of its staff.
class System {
 public:
  static absl::StatusOr<System> Connect(const DemoTour::Options& options,
                                        const std::string& client);

  absl::StatusOr<v1::ReadSubjectResponse> Read(
      const v1::ReadSubjectRequest& request) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  explicit System(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)) {}
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_DEMO_SYSTEM_H_
