#include "app/report_place.h"

#include "app/places.h"
#include "app/store_factory.h"
#include "job/report_publish.h"

namespace haul::app {

Task<std::string> publish_report(Session& session, Settings settings, std::string directory,
                                 std::string location, std::string run) {
  std::string place = as_directory(location) + run + "/";
  const store::Location to = parse_place(place);
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  const bool in_bucket = to.scheme == store::Scheme::s3;
  const std::shared_ptr<store::Store> store =
      in_bucket ? stores.bucket(Side::destination, to.bucket) : stores.tree(Side::destination, to.path);
  co_await job::publish_report(std::move(directory), *store, in_bucket ? to.path : std::string(), context);
  co_await store->make_durable(context);
  co_return place;
}

}  // namespace haul::app
