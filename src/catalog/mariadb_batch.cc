#include "catalog/mariadb_batch.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/utf8.h"

namespace haul::catalog {
namespace {

// A server takes packets of 16 MiB at the least that anybody configures; this leaves room.
constexpr std::size_t kLoadBytes = 512U << 10;

std::string column_of(std::size_t name) {
  return "haul_p" + std::to_string(name);
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::uint64_t number_of(std::string_view word) {
  std::uint64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace

struct MariadbBatch::ColumnArrays {
  Kind kind;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<const char*> texts;
  std::vector<unsigned long> lengths;
  std::vector<char> indicators;

  void add(const Value& value) {
    const bool null = value.index() == 0;
    indicators.push_back(null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE);
    switch (kind) {
      case Kind::integer: integers.push_back(null ? 0 : std::get<std::int64_t>(value)); break;
      case Kind::real: reals.push_back(null ? 0 : std::get<double>(value)); break;
      case Kind::text:
        texts.push_back(null ? "" : std::get<std::string>(value).data());
        lengths.push_back(null ? 0 : std::get<std::string>(value).size());
        break;
    }
  }

  MYSQL_BIND bind() {
    MYSQL_BIND bind{};
    bind.u.indicator = indicators.data();
    switch (kind) {
      case Kind::integer:
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = integers.data();
        break;
      case Kind::real:
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = reals.data();
        break;
      case Kind::text:
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = static_cast<void*>(texts.data());
        bind.length = lengths.data();
        break;
    }
    return bind;
  }
};

bool MariadbBatch::prepare(const Statement& statement) {
  if (refused_ || !session_.is_mariadb()) return false;
  if (statement_ == statement.text()) return true;
  statement_.clear();
  // The text goes as a bound value too.
  MariadbStatement set(session_, "SET @haul_text = ?", 1);
  const Value text = statement.with([](std::size_t) { return "?"; });
  std::vector<MYSQL_BIND> binds{mariadb_bind(text)};
  set.bind(binds);
  set.execute();
  if (auto error = session_.try_execute("PREPARE haul_update FROM @haul_text")) {
    if (error->error_class() != ErrorClass::invalid_argument) throw *std::move(error);
    refused_ = true;  // something that cannot be prepared in SQL
    return false;
  }
  statement_ = statement.text();
  order_ = statement.order();
  names_ = statement.names().size();
  kinds_.reset();
  return true;
}

std::vector<MariadbBatch::Kind> MariadbBatch::kinds_of(std::span<const Row* const> rows) const {
  std::vector<Kind> kinds(names_, Kind::text);
  for (std::size_t name = 0; name < names_; ++name) {
    const auto known =
        std::ranges::find_if(rows, [name](const Row* row) { return (*row)[name].index() != 0; });
    if (known == rows.end()) continue;
    const Value& value = (**known)[name];
    if (std::holds_alternative<std::int64_t>(value)) kinds[name] = Kind::integer;
    if (std::holds_alternative<double>(value)) kinds[name] = Kind::real;
  }
  return kinds;
}

bool MariadbBatch::fits(const Row& row, std::span<const Kind> kinds) {
  for (std::size_t name = 0; name < row.size(); ++name) {
    const Value& value = row[name];
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (kinds[name] != Kind::text || !is_utf8(*text)) return false;
    } else if (std::holds_alternative<std::int64_t>(value)) {
      if (kinds[name] != Kind::integer) return false;
    } else if (std::holds_alternative<double>(value)) {
      if (kinds[name] != Kind::real) return false;
    }
  }
  return true;
}

void MariadbBatch::make_table(std::vector<Kind> kinds) {
  kinds_.reset();
  insert_.reset();
  session_.execute("DROP TEMPORARY TABLE IF EXISTS haul_batch");
  std::string text = "CREATE TEMPORARY TABLE haul_batch (haul_row INT NOT NULL PRIMARY KEY";
  std::string places = "?";
  for (std::size_t name = 0; name < names_; ++name) {
    text += ", " + column_of(name) + " ";
    text += kinds[name] == Kind::integer ? "BIGINT"
            : kinds[name] == Kind::real  ? "DOUBLE"
                                         : "LONGTEXT CHARACTER SET utf8mb4";
    places += ", ?";
  }
  if (auto error = session_.try_execute(text + ") ENGINE = InnoDB")) {
    if (error->retryable()) throw *std::move(error);
    refused_ = true;  // an account without CREATE TEMPORARY TABLES, or a server without InnoDB
    return;
  }
  insert_.emplace(session_, "INSERT INTO haul_batch VALUES (" + places + ")", names_ + 1);
  kinds_ = std::move(kinds);
  make_block();
}

// Only rows that did not match exactly one are written down. An error of a row takes back what that row did,
// by the server's own rule for statements within a transaction; a general error ends the block.
void MariadbBatch::make_block() {
  std::string variables, into, use;
  for (std::size_t name = 0; name < names_; ++name) {
    const Kind kind = (*kinds_)[name];
    variables += "DECLARE " + column_of(name);
    variables += kind == Kind::integer ? " BIGINT;\n"
                 : kind == Kind::real  ? " DOUBLE;\n"
                                       : " LONGTEXT CHARACTER SET utf8mb4;\n";
    into += ", " + column_of(name);
  }
  for (const std::size_t name : order_)
    use += (use.empty() ? "" : ", ") + column_of(name);
  block_ =
      "BEGIN NOT ATOMIC\n"
      "DECLARE haul_left, haul_place INT;\n"
      "DECLARE haul_matched BIGINT;\n"
      "DECLARE haul_log LONGTEXT CHARACTER SET ascii DEFAULT '';\n" +
      variables +
      "DECLARE haul_rows CURSOR FOR SELECT * FROM haul_batch ORDER BY haul_row;\n"
      "DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN\n"
      "  DECLARE haul_code INT;\n"
      "  DECLARE haul_state VARCHAR(5);\n"
      "  DECLARE haul_words TEXT CHARACTER SET utf8mb4;\n"
      "  GET DIAGNOSTICS CONDITION 1 haul_code = MYSQL_ERRNO, haul_state = RETURNED_SQLSTATE,\n"
      "    haul_words = MESSAGE_TEXT;\n"
      "  IF haul_code IN (" +
      mariadb_general_errors() +
      ") THEN RESIGNAL; END IF;\n"
      "  SET haul_matched = -1,\n"
      "    haul_log = CONCAT(haul_log, haul_place, ' E ', haul_code, ' ', haul_state, ' ', HEX(haul_words), "
      "';');\n"
      "END;\n"
      "SELECT COUNT(*) INTO haul_left FROM haul_batch;\n"
      "OPEN haul_rows;\n"
      "WHILE haul_left > 0 DO\n"
      "  SET haul_left = haul_left - 1, haul_matched = -1;\n"
      "  FETCH haul_rows INTO haul_place" +
      into +
      ";\n"
      "  EXECUTE haul_update USING " +
      use +
      ";\n"
      "  IF haul_matched = -1 THEN SET haul_matched = ROW_COUNT(); END IF;\n"
      "  IF haul_matched > 1 OR haul_matched = 0 THEN\n"
      "    SET haul_log = CONCAT(haul_log, haul_place, ' ', haul_matched, ';');\n"
      "  END IF;\n"
      "END WHILE;\n"
      "SELECT haul_log;\n"
      "END";
}

std::vector<std::size_t> MariadbBatch::load(std::span<const Row* const> rows) {
  std::vector<Kind> kinds = kinds_of(rows);
  if (!kinds_ || *kinds_ != kinds)
    make_table(std::move(kinds));
  else
    session_.execute("TRUNCATE TABLE haul_batch");
  std::vector<std::size_t> loaded;
  if (refused_) return loaded;
  loaded.reserve(rows.size());
  std::size_t first = 0, bytes = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!fits(*rows[i], *kinds_)) continue;
    loaded.push_back(i);
    for (const Value& value : *rows[i])
      bytes += value.index() == 3 ? std::get<std::string>(value).size() + 8 : 8;
    if (bytes < kLoadBytes) continue;
    insert(rows, loaded, first);
    first = loaded.size();
    bytes = 0;
  }
  insert(rows, loaded, first);
  return loaded;
}

void MariadbBatch::insert(std::span<const Row* const> rows, std::span<const std::size_t> places,
                          std::size_t first) {
  if (first == places.size()) return;
  std::vector<ColumnArrays> columns(names_ + 1);
  columns[0].kind = Kind::integer;
  for (std::size_t name = 0; name < names_; ++name)
    columns[name + 1].kind = (*kinds_)[name];
  for (std::size_t i = first; i < places.size(); ++i) {
    columns[0].add(static_cast<std::int64_t>(i));
    for (std::size_t name = 0; name < names_; ++name)
      columns[name + 1].add((*rows[places[i]])[name]);
  }
  std::vector<MYSQL_BIND> binds;
  binds.reserve(columns.size());
  for (ColumnArrays& column : columns)
    binds.push_back(column.bind());
  insert_->set_rows(static_cast<unsigned>(places.size() - first));
  insert_->bind(binds);
  insert_->execute();
}

void MariadbBatch::run(std::span<const std::size_t> loaded, std::span<RowOutcome> outcomes) {
  for (const std::size_t place : loaded)
    outcomes[place].matched = 1;
  read_log(session_.ask(block_), loaded, outcomes);
}

// "12 0;" or "12 E 1062 23000 4475...;" for each row that did not match exactly one.
void MariadbBatch::read_log(std::string_view log, std::span<const std::size_t> loaded,
                            std::span<RowOutcome> outcomes) {
  while (!log.empty()) {
    const std::size_t end = log.find(';');
    std::string_view line = log.substr(0, end);
    log.remove_prefix(end + 1);
    RowOutcome& outcome = outcomes[loaded[number_of(take_word(line))]];
    const std::string_view what = take_word(line);
    if (what != "E") {
      outcome.matched = number_of(what);
      continue;
    }
    outcome.matched = 0;
    const auto code = static_cast<unsigned>(number_of(take_word(line)));
    const std::string state(take_word(line));
    outcome.refused = session_.failure(code, state.c_str(), decode_hex(line).value_or("refused").c_str());
  }
}

}  // namespace haul::catalog
