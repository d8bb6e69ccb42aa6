// How the tables of keys are written: each key bound to a member of its part of the spec, with the schema and
// the reading that belong to its kind.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/spec_keys.h"
#include "job/spec_values.h"

namespace haul::job {

[[noreturn]] void refuse_value(std::string message, std::string hint = {});

template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

template <class Value>
std::vector<std::string> names_of(const Words<Value>& words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words)
    names.push_back(name);
  return names;
}

template <class Value>
Value take_word(const SpecNode& node, const Words<Value>& words) {
  const std::string word = take_text(node);
  for (const auto& [name, value] : words)
    if (name == word) return value;
  refuse_word(word, names_of(words));
}

// Paths as they are meant wherever the job is gone on with: absolute. The node is rewritten so.
std::string absolute_path(SpecNode& node, const std::string& path, const SpecContext& context);
// Location or path: what parse_location takes.
std::string take_location(SpecNode& node, const SpecContext& context);
// A moment; the node is rewritten, so that a run that goes on tomorrow goes on with the same objects.
Time take_age(SpecNode& node, const SpecContext& context);
std::vector<std::string> take_globs(const SpecNode& node);
std::vector<std::string> take_fields(const SpecNode& node);  // columns of a manifest

// Adds keys of one part, each bound to a member.
template <class Part>
class Keys {
 public:
  template <class Take>
  Keys& add(std::string name, Schema schema, std::string text, Take take, bool required = false) {
    SpecKey& key = section_.keys.emplace_back();
    key.name = std::move(name);
    key.text = std::move(text);
    key.schema = std::move(schema);
    key.required = required;
    key.take = [take](void* part, SpecNode& node, SpecReading& reading) {
      take(*static_cast<Part*>(part), node, reading);
    };
    return *this;
  }
  // Values that need nothing but their node.
  template <class Member, class Take>
  Keys& value(std::string name, Schema schema, Member Part::* member, Take take, std::string text) {
    return add(std::move(name), std::move(schema), std::move(text),
               [member, take](Part& part, SpecNode& node, SpecReading&) { part.*member = take(node); });
  }
  Keys& text(std::string name, std::string Part::* member, std::string text) {
    return value(std::move(name), text_schema(), member, take_text, std::move(text));
  }
  Keys& flag(std::string name, bool Part::* member, std::string text) {
    return value(std::move(name), boolean_schema(), member, take_boolean, std::move(text));
  }
  template <class Member>
  Keys& count(std::string name, Member Part::* member, std::uint64_t least, std::uint64_t most,
              std::string text) {
    return value(
        std::move(name), count_schema(least, most), member,
        [least, most](const SpecNode& node) {
          return static_cast<std::uint32_t>(take_count(node, least, most));
        },
        std::move(text));
  }
  template <class Member>
  Keys& size(std::string name, Member Part::* member, std::string text) {
    return value(std::move(name), size_schema(), member, take_size, std::move(text));
  }
  template <class Member>
  Keys& duration(std::string name, Member Part::* member, std::string text) {
    return value(std::move(name), duration_schema(), member, take_duration, std::move(text));
  }
  Keys& age(std::string name, std::optional<Time> Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = take_age(node, reading.context);
               });
  }
  Keys& path(std::string name, std::string Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = absolute_path(node, take_text(node), reading.context);
               });
  }
  Keys& location(std::string name, std::string Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = take_location(node, reading.context);
               });
  }
  Keys& globs(std::string name, std::vector<std::string> Part::* member, std::string text) {
    return value(std::move(name), texts_schema(text_schema()), member, take_globs, std::move(text));
  }
  Keys& fields(std::string name, std::vector<std::string> Part::* member, std::string text) {
    return value(std::move(name), texts_schema(text_schema()), member, take_fields, std::move(text));
  }
  template <class Member, class Value>
  Keys& choice(std::string name, Member Part::* member, Words<Value> words, std::string text) {
    return value(
        std::move(name), words_schema(names_of(words)), member,
        [words](const SpecNode& node) { return take_word(node, words); }, std::move(text));
  }
  template <class Inner>
  Keys& section(std::string name, Inner Part::* member, SpecSection inner, std::string text) {
    auto shared = std::make_shared<const SpecSection>(std::move(inner));
    add(name, {}, std::move(text), [member, name, shared](Part& part, SpecNode& node, SpecReading& reading) {
      read_section(*shared, &emplaced(part.*member), node, name, reading);
    });
    section_.keys.back().section = shared;
    return *this;
  }
  template <class Inner>
  Keys& named_sections(std::string name, std::map<std::string, Inner> Part::* member, SpecSection inner,
                       std::string text) {
    auto shared = std::make_shared<const SpecSection>(std::move(inner));
    add(name, {}, std::move(text), [member, name, shared](Part& part, SpecNode& node, SpecReading& reading) {
      if (node.type != NodeType::map)
        refuse_value("is no section of names", "write " + name + ": {NAME: {...}}");
      for (auto& [key, value] : node.entries)
        read_section(*shared, &(part.*member)[key.text], value, name + "." + key.text, reading);
    });
    section_.keys.back().section = shared;
    section_.keys.back().named_sections = true;
    return *this;
  }
  Keys& required() {
    section_.keys.back().required = true;
    return *this;
  }

  operator SpecSection() { return std::move(section_); }  // NOLINT(google-explicit-constructor)

 private:
  template <class Inner>
  static Inner& emplaced(Inner& inner) {
    return inner;
  }
  template <class Inner>
  static Inner& emplaced(std::optional<Inner>& inner) {
    return inner.emplace();
  }
  SpecSection section_;
};

}  // namespace haul::job
