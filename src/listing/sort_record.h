// An entry as bytes in a row, as it is sorted in memory and kept in a run on disk.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "store/entry.h"

namespace haul::listing {

// Header, then the texts: what is sorted by if that is not the key, key, etag, version, storage class.
struct SortRecord {
  std::uint32_t bytes;                                     // of all of it
  std::uint32_t order, key, etag, version, storage_class;  // lengths
  std::uint64_t size;
  std::int64_t modified, changed;
  std::uint32_t mode, uid, gid;
  std::uint8_t kind, latest, by_order, unused;

  static std::size_t bytes_for(const store::Entry& entry, std::string_view order) noexcept {
    return sizeof(SortRecord) + order.size() + entry.key.size() + entry.etag.size() + entry.version.size() +
           entry.storage_class.size();
  }

  // Fills `room`, which has bytes_for() bytes. `order` is what to sort by if `by_order`.
  static void write(std::span<char> room, const store::Entry& entry, std::string_view order,
                    bool by_order) noexcept {
    SortRecord record{};
    record.bytes = static_cast<std::uint32_t>(room.size());
    record.order = static_cast<std::uint32_t>(order.size());
    record.key = static_cast<std::uint32_t>(entry.key.size());
    record.etag = static_cast<std::uint32_t>(entry.etag.size());
    record.version = static_cast<std::uint32_t>(entry.version.size());
    record.storage_class = static_cast<std::uint32_t>(entry.storage_class.size());
    record.size = entry.size;
    record.modified = entry.modified.time_since_epoch().count();
    record.changed = entry.changed.time_since_epoch().count();
    record.mode = entry.mode;
    record.uid = entry.uid;
    record.gid = entry.gid;
    record.kind = static_cast<std::uint8_t>(entry.kind);
    record.latest = entry.latest ? 1 : 0;
    record.by_order = by_order ? 1 : 0;
    char* to = room.data();
    std::memcpy(to, &record, sizeof record);
    to += sizeof record;
    for (const std::string_view text : {order, entry.key, entry.etag, entry.version, entry.storage_class}) {
      if (!text.empty()) std::memcpy(to, text.data(), text.size());
      to += text.size();
    }
  }

  static SortRecord header(const char* at) noexcept {
    SortRecord record;
    std::memcpy(&record, at, sizeof record);  // records are not aligned
    return record;
  }
  static std::string_view order_of(const char* at) noexcept {
    const SortRecord record = header(at);
    return record.by_order != 0 ? std::string_view(at + sizeof record, record.order) : key_of(at);
  }
  static std::string_view key_of(const char* at) noexcept {
    const SortRecord record = header(at);
    return {at + sizeof record + record.order, record.key};
  }
  static bool before(const char* a, const char* b) noexcept {
    const int order = order_of(a).compare(order_of(b));
    return order != 0 ? order < 0 : key_of(a) < key_of(b);
  }

  // The entry again, its texts in `texts`.
  static store::Entry read(const char* at, TextArena& texts) {
    const SortRecord record = header(at);
    const std::string_view all =
        texts.store({at + sizeof record + record.order, record.bytes - sizeof record - record.order});
    store::Entry entry;
    std::size_t from = 0;
    const auto take = [&](std::uint32_t length) {
      return all.substr(std::exchange(from, from + length), length);
    };
    entry.key = take(record.key);
    entry.etag = take(record.etag);
    entry.version = take(record.version);
    entry.storage_class = take(record.storage_class);
    entry.size = record.size;
    entry.modified = Time(Duration(record.modified));
    entry.changed = Time(Duration(record.changed));
    entry.mode = record.mode;
    entry.uid = record.uid;
    entry.gid = record.gid;
    entry.kind = static_cast<store::EntryKind>(record.kind);
    entry.latest = record.latest != 0;
    return entry;
  }
};

}  // namespace haul::listing
