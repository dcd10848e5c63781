#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/transport.h"

namespace consentry::delivery {
namespace {

class FileDropTransport final : public MailTransport {
 public:
  explicit FileDropTransport(std::string folder) : folder_(std::move(folder)) {}

  // Under another name first, so that whoever waits for it reads all of it. One
  // that was dropped before and not noted is replaced by itself.
  absl::Status Deliver(const std::string& id, const std::string&,
                       const std::string&, const std::string& mail) override {
    const std::string path = absl::StrCat(folder_, "/", id, ".eml");
    const std::string sibling = path + ".new";
    const int file =
        open(sibling.c_str(),
             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return Failed();
    size_t written = 0;
    while (written < mail.size()) {
      const ssize_t count =
          write(file, mail.data() + written, mail.size() - written);
      if (count <= 0) {
        close(file);
        return Failed();
      }
      written += static_cast<size_t>(count);
    }
    if (close(file) != 0 || rename(sibling.c_str(), path.c_str()) != 0) {
      return Failed();
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status Failed() {
    return absl::UnavailableError("the folder for messages cannot be written");
  }

  const std::string folder_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MailTransport>> MakeFileDrop(
    const config::v1::FileDrop& config) {
  struct stat state;
  if (mkdir(config.folder().c_str(), 0700) != 0 &&
      (stat(config.folder().c_str(), &state) != 0 || !S_ISDIR(state.st_mode))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "sender.file_drop.folder: cannot be made: ", config.folder()));
  }
  return std::make_unique<FileDropTransport>(config.folder());
}

}  // namespace consentry::delivery
