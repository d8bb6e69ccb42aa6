#include "job/spec_sections.h"

#include "job/spec_key_builder.h"

namespace haul::job {

SpecSection side_keys() {
  return Keys<SideSpec>()
      .text("profile", &SideSpec::profile, "Profile of the AWS configuration files.")
      .text("region", &SideSpec::region, "Region of the service.")
      .text("endpoint-url", &SideSpec::endpoint_url, "An S3 service other than Amazon's.")
      .text("role-arn", &SideSpec::role_arn, "Role to assume on this side.")
      .text("external-id", &SideSpec::external_id, "External id that the role asks for.")
      .flag("no-sign-request", &SideSpec::no_sign_request, "No credentials: public buckets.");
}

SpecSection select_keys() {
  using listing::ManifestFormat;
  return Keys<SelectSpec>()
      .location(
          "manifest", &SelectSpec::manifest,
          "A list of objects, a file or an object: CSV as S3 Batch Operations takes it, an S3 Inventory "
          "manifest.json, or JSON lines; compressed by gzip or not.")
      .choice("format", &SelectSpec::format,
              Words<ManifestFormat>{{"auto", ManifestFormat::automatic},
                                    {"csv", ManifestFormat::csv},
                                    {"inventory", ManifestFormat::inventory},
                                    {"jsonl", ManifestFormat::json_lines},
                                    {"keys", ManifestFormat::keys},
                                    {"datasync", ManifestFormat::datasync}},
              "Of the manifest; by its content unless given. keys and datasync are relative to the source.")
      .fields(
          "fields", &SelectSpec::fields,
          "Columns of a CSV manifest by the names of S3 Inventory (Bucket, Key, VersionId, Size ...); other "
          "names are passed over. With VersionId, each row has to have one.")
      .path("keys", &SelectSpec::keys, "A file with one key a line, below the source.")
      .text("catalog", &SelectSpec::catalog, "The catalogue whose rows name the objects.")
      .text("query", &SelectSpec::query, "A SELECT whose rows name the objects.")
      .text("key", &SelectSpec::key, "The column of the query that holds the complete key.")
      .text("cursor", &SelectSpec::cursor,
            "A unique column of the query, by whose order it is read in pages.")
      .count("page", &SelectSpec::page, 1, 100'000, "Rows read at once (1000).");
}

SpecSection filter_keys() {
  return Keys<FilterSpec>()
      .globs("exclude", &FilterSpec::exclude, "Patterns of keys to leave; tried before include.")
      .globs("include", &FilterSpec::include,
             "Patterns of keys to take; with any, what matches none is left.")
      .flag("ignore-case", &FilterSpec::ignore_case, "Whether A and a are the same in patterns.")
      .size("min-size", &FilterSpec::min_size, "Objects of at least this size.")
      .size("max-size", &FilterSpec::max_size, "Objects of at most this size.")
      .age("older-than", &FilterSpec::older_than, "Changed before: an age (7d) or a moment (2026-01-31).")
      .age("newer-than", &FilterSpec::newer_than, "Changed after: an age or a moment.");
}

SpecSection mapping_keys() {
  return Keys<MappingSpec>()
      .flag("flatten", &MappingSpec::flatten, "Only the last component of a key is kept.")
      .text("template", &MappingSpec::name_template,
            "New keys from {key} {dir} {name} {stem} {ext} {year} {month} {day}.");
}

SpecSection chunk_keys() {
  return Keys<ChunkSpec>()
      .count("objects", &ChunkSpec::objects, 1, 1'000'000, "Objects at most (5000).")
      .value(
          "bytes", size_schema(), &ChunkSpec::bytes,
          [](const SpecNode& node) {
            const std::uint64_t size = take_size(node);
            if (size == 0) refuse_value("is nothing");
            return size;
          },
          "Bytes at most, unless one object is larger (4GiB).")
      .count("attempts", &ChunkSpec::attempts, 1, 100,
             "How often an object is tried that fails for a passing reason (5).");
}

SpecSection report_keys() {
  return Keys<ReportSpec>()
      .location("location", &ReportSpec::location, "Where the report of each run goes, below RUN/.")
      .choice("scope", &ReportSpec::scope,
              Words<ReportScope>{{"all", ReportScope::all}, {"failed", ReportScope::failed}},
              "All outcomes, or the failed ones.")
      .add("formats", texts_schema(words_schema({"csv", "jsonl"})), "csv, jsonl, or both (both).",
           [](ReportSpec& part, SpecNode& node, SpecReading&) {
             part.csv = part.json_lines = false;
             for (const std::string& word : take_texts(node)) {
               if (word != "csv" && word != "jsonl") refuse_word(word, {"csv", "jsonl"});
               (word == "csv" ? part.csv : part.json_lines) = true;
             }
           });
}

}  // namespace haul::job
