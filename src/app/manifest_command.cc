// manifest: the list of a place as a file that appears when it is complete.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/job_builder.h"
#include "app/listed_place.h"
#include "app/manifest_writer.h"
#include "app/usage_error.h"
#include "base/utf8.h"
#include "transfer/transfer.h"

namespace haul::app {
namespace {

// The listing, turned into bytes as they are asked for.
class ManifestBytes final : public transfer::StreamSource {
 public:
  ManifestBytes(Session& session, ListedPlace& place, ManifestWriter& writer, OpContext context)
      : place_(place),
        writer_(writer),
        filter_(session.settings().filters, place.glob ? std::string() : place.prefix) {
    if (place.is_tree)
      lister_.emplace(*place.store, store::ListRequest{.prefix = place.prefix}, options(session, place),
                      context);
    if (place.object) {
      writer_.add(entry_of(*place.object));
      ++objects_;
    }
  }

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    while (taken_ == writer_.bytes().size() && !ended_) {
      writer_.bytes().clear();
      taken_ = 0;
      co_await add_page(context);
    }
    const std::size_t n = std::min(into.size(), writer_.bytes().size() - taken_);
    std::memcpy(into.data(), writer_.bytes().data() + taken_, n);
    taken_ += n;
    co_return n;
  }

  Task<> close() {
    if (lister_) co_await lister_->close();
  }
  std::uint64_t objects() const noexcept { return objects_; }

 private:
  static listing::ParallelListOptions options(Session& session, const ListedPlace& place) {
    listing::ParallelListOptions options;
    if (!place.store->capabilities().ordered_listing) options.order = listing::ListOrder::any;
    options.buffer = std::min<std::uint64_t>(options.buffer, session.settings().memory / 4);
    return options;
  }

  Task<> add_page(OpContext& context) {
    std::optional<store::ListPage> page;
    if (lister_) page = co_await lister_->next(context);
    if (!page) {
      writer_.finish();
      ended_ = true;
      co_return;
    }
    // A list with holes would be taken for complete.
    if (!page->failures.empty()) throw page->failures.front().error;
    for (const store::Entry& entry : page->entries) {
      if (place_.glob && !place_.glob->matches(entry.key)) continue;
      if (filter_.judge(entry) != listing::FilterReason::accepted) continue;
      writer_.add(entry);
      ++objects_;
    }
  }

  ListedPlace& place_;
  ManifestWriter& writer_;
  listing::Filter filter_;
  std::optional<listing::ParallelLister> lister_;  // of a tree
  std::size_t taken_ = 0;
  std::uint64_t objects_ = 0;
  bool ended_ = false;
};

Task<> write_out(Session& session, ManifestBytes& bytes, OpContext& context) {
  std::vector<std::byte> piece(64U << 10);
  while (const std::size_t n = co_await bytes.read_some(piece, context))
    session.output().write({reinterpret_cast<const char*>(piece.data()), n});
  session.output().flush();
}

Task<> write_to_place(Session& session, StoreFactory& stores, ManifestBytes& bytes, OpContext& context) {
  const Settings& settings = session.settings();
  const store::Location location = parse_place(settings.output);
  PlaceResolver resolver(stores, {});
  const ResolvedDestination resolved = co_await resolver.destination(location, false, context);
  if (!resolved.destination.key)
    throw UsageError(visible(location.text) + " is a directory", "give the file's name");
  transfer::Transfer transfer(session.runtime(), {});
  transfer::StreamRequest request{.source = bytes,
                                  .destination = *resolved.destination.store,
                                  .destination_key = *resolved.destination.key};
  co_await transfer.stream(std::move(request), context);
}

}  // namespace

Task<int> manifest_command(Session& session) {
  const Settings& settings = session.settings();
  announce_needs(settings, session.services());
  const bool to_output = settings.output.empty() || settings.output == "-";
  if (const store::Location to = to_output ? store::Location{} : parse_place(settings.output);
      to.scheme == store::Scheme::s3)
    session.services().need(
        settings.both,
        {to.bucket, to.path, auth::Access::list | auth::Access::read | auth::Access::write, true});
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  ListedPlace place = co_await listed_place(session, stores, settings.locations[0], context);
  const ManifestKind kind = settings.manifest_format == ManifestFormat::csv ? ManifestKind::csv
                            : settings.manifest_format == ManifestFormat::json
                                ? ManifestKind::json
                                : manifest_kind_of(settings.output);
  ManifestWriter writer(kind, settings.output.ends_with(".gz"), place.bucket);
  ManifestBytes bytes(session, place, writer, context);
  std::exception_ptr error;
  try {
    if (to_output)
      co_await write_out(session, bytes, context);
    else
      co_await write_to_place(session, stores, bytes, context);
  } catch (...) {
    error = std::current_exception();
  }
  co_await bytes.close();
  if (error) std::rethrow_exception(error);
  if (settings.json && !to_output) {
    std::string& out = session.output().buffer();
    out += "{\"manifest\":";
    append_json(out, settings.output);
    out += fmt::format(",\"objects\":{}}}\n", bytes.objects());
  } else if (!settings.quiet) {
    session.screen().say(fmt::format("{} objects listed", with_commas(bytes.objects())));
  }
  co_return kDone;
}

}  // namespace haul::app
