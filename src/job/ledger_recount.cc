#include "job/ledger_recount.h"

#include <fmt/format.h>

#include "transfer/transfer.h"

namespace haul::job {

void LedgerRecount::add(const LedgerLine& line) {
  const Outcome& outcome = line.outcome;
  ++lines_;
  switch (outcome.kind) {
    case OutcomeKind::copied: ++accounts_.copied; break;
    case OutcomeKind::moved: ++accounts_.moved; break;
    case OutcomeKind::deleted: ++(outcome.extra ? accounts_.extra_deleted : accounts_.deleted); break;
    case OutcomeKind::skipped: ++accounts_.skipped; break;
    case OutcomeKind::same: ++accounts_.same; break;
    case OutcomeKind::different: ++(outcome.extra ? accounts_.extra_kept : accounts_.different); break;
    case OutcomeKind::tagged: ++accounts_.tagged; break;
    case OutcomeKind::reverted: ++accounts_.reverted; break;
    case OutcomeKind::failed:
      (outcome.extra ? accounts_.extra_failed : accounts_.failed) += outcome.objects;
      break;
  }
  if (outcome.kind == OutcomeKind::failed || outcome.kind == OutcomeKind::different) ++bad_lines_;
  if (outcome.kind == OutcomeKind::copied || outcome.kind == OutcomeKind::moved) {
    accounts_.copied_bytes += outcome.size;
    if (outcome.how == to_string(transfer::Method::server_side)) ++accounts_.server_side;
    if (!outcome.proof.empty() && outcome.proof != to_string(transfer::Proof::none) &&
        outcome.proof != to_string(transfer::Proof::size))
      ++accounts_.verified;
  }
  if (outcome.source_kept) ++accounts_.sources_kept;
  if (outcome.catalogue == CatalogueState::updated) ++accounts_.rows_updated;
  if (outcome.catalogue == CatalogueState::unmatched) ++accounts_.rows_unmatched;
  accounts_.losses += outcome.losses.size();
}

void LedgerRecount::compare(const Accounts& accounts, ReportScope scope,
                            const std::function<void(std::string)>& report) const {
  const auto same = [&report](std::string_view what, std::uint64_t counted, std::uint64_t stated) {
    if (counted != stated)
      report(fmt::format("{} {} by the accounts, {} by the ledger", stated, what, counted));
  };
  // A line does not say whether an object or a part of a tree failed, nor whether an object is missing or
  // otherwise different.
  same("failed", accounts_.failed, accounts.failed + accounts.list_failures);
  same("different or missing", accounts_.different, accounts.different + accounts.missing);
  same("extra_failed", accounts_.extra_failed, accounts.extra_failed);
  if (scope != ReportScope::all) return;
  same("copied", accounts_.copied, accounts.copied);
  same("copied_bytes", accounts_.copied_bytes, accounts.copied_bytes);
  same("moved", accounts_.moved, accounts.moved);
  same("deleted", accounts_.deleted, accounts.deleted);
  same("tagged", accounts_.tagged, accounts.tagged);
  same("reverted", accounts_.reverted, accounts.reverted);
  same("skipped", accounts_.skipped, accounts.skipped);
  same("same", accounts_.same, accounts.same);
  same("extra_deleted", accounts_.extra_deleted, accounts.extra_deleted);
  same("server_side", accounts_.server_side, accounts.server_side);
  same("verified", accounts_.verified, accounts.verified);
  same("losses", accounts_.losses, accounts.losses);
  same("rows_updated", accounts_.rows_updated, accounts.rows_updated);
  same("rows_unmatched", accounts_.rows_unmatched, accounts.rows_unmatched);
  same("sources_kept", accounts_.sources_kept, accounts.sources_kept);
}

}  // namespace haul::job
