#ifndef CONSENTRY_TOOLS_CONSENTRY_PAGES_H_
#define CONSENTRY_TOOLS_CONSENTRY_PAGES_H_

#include <grpcpp/grpcpp.h>

#include <iostream>
#include <string_view>
#include <utility>

#include "tools/consentry/exit_code.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/show.h"

namespace consentry::tools {

// Asks for every page of a list. `call` is the stub's method with its stub:
// (grpc::ClientContext*, const Request&, Page*) -> grpc::Status; `each` gets
// every page and ends the walk with false.
template <class Page, class Request, class Call, class Each>
grpc::Status ForEachPage(Request request, const Call& call, const Each& each) {
  do {
    grpc::ClientContext context;
    Page page;
    const grpc::Status status = call(&context, request, &page);
    if (!status.ok()) return status;
    if (!each(page)) break;
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

// Shows every entry of a list: a line of JSON for each, or as `show` does, and
// `none` on a line of its own where there is no entry. `entries` takes the
// entries out of a page.
template <class Page, class Request, class Call, class Entries, class Show>
int ShowList(Request request, bool json, std::string_view none,
             const Call& call, const Entries& entries, const Show& show) {
  bool any = false;
  const grpc::Status status =
      ForEachPage<Page>(std::move(request), call, [&](const Page& page) {
        for (const auto& entry : entries(page)) {
          any = true;
          if (json) {
            ShowJson(entry, std::cout);
          } else {
            show(entry);
          }
        }
        return true;
      });
  if (!status.ok()) return PrintError(status, std::cerr);
  if (!any && !json) std::cout << none << "\n";
  return kExitOk;
}

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_PAGES_H_
