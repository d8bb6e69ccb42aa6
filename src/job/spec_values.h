// Single values of a job file: from a node to a number, a word, a size. Each throws invalid_argument that
// says what was expected, without place. The schemas beside them accept the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "job/spec_document.h"

namespace haul::job {

std::string take_text(const SpecNode& node);  // never empty
bool take_boolean(const SpecNode& node);
std::uint64_t take_count(const SpecNode& node, std::uint64_t least, std::uint64_t most);
double take_number(const SpecNode& node, double least);
std::uint64_t take_size(const SpecNode& node);
std::uint64_t take_rate(const SpecNode& node);
Duration take_duration(const SpecNode& node);
double take_share(const SpecNode& node);  // 25%, 0.25; of 0 to 1
// One text, or a list of them.
std::vector<std::string> take_texts(const SpecNode& node);

// Throws for what is none of `words`, and says which was probably meant.
[[noreturn]] void refuse_word(const std::string& word, const std::vector<std::string>& words);

using Schema = nlohmann::ordered_json;
Schema text_schema();
Schema texts_schema(Schema item);
Schema boolean_schema();
Schema count_schema(std::uint64_t least, std::uint64_t most);
Schema number_schema(double least);
Schema size_schema();
Schema rate_schema();
Schema duration_schema();
Schema share_schema();
Schema count_or_share_schema();
Schema words_schema(const std::vector<std::string>& words);

}  // namespace haul::job
