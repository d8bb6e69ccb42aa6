// The real stores: S3 services by identity, local trees by root.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/places.h"
#include "app/services.h"
#include "stores/local/local_store.h"

namespace haul::app {

// Refers to what it is given. Each store is made once.
class RealStores final : public StoreFactory {
 public:
  RealStores(const Settings& settings, Services& services) : settings_(settings), services_(services) {}

  std::shared_ptr<store::Store> bucket(Side side, const std::string& name) override;
  std::shared_ptr<store::Store> tree(Side side, const std::string& root) override;
  std::shared_ptr<store::Store> directory_of_file(Side side, const std::string& root, bool follow) override;
  std::string endpoint(Side side) override;
  Task<> check_bucket(Side side, std::string name, OpContext& context) override;

  SideSettings side_settings(Side side) const;

 private:
  std::shared_ptr<store::Store> local(Side side, const std::string& root, local::SymlinkMode links);

  const Settings& settings_;
  Services& services_;
  std::map<std::string, std::shared_ptr<store::Store>> made_;
};

// What a command does to each of its locations, as the rights an assumed role's session is limited to.
auth::Access access_needed(const Settings& settings, Side side);

// The keys that it reaches through one of them: no more than it may come to need.
std::vector<auth::PolicyScope> scopes_needed(const Settings& settings, const store::Location& location,
                                             Side side);

// Announces the rights for all s3 locations of the command line.
void announce_needs(const Settings& settings, Services& services);

}  // namespace haul::app
