// Credentials that are made from others, or by a program: assumed roles, web identity, credential_process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/metadata_sources.h"
#include "auth/program.h"
#include "auth/refreshing.h"
#include "auth/sts.h"

namespace haul::auth {

std::unique_ptr<CredentialsSource> make_role_source(RoleRequest role,
                                                    std::shared_ptr<CredentialsProvider> caller,
                                                    std::shared_ptr<Sts> sts);

// The token file is read before each request: whoever keeps it fresh replaces it.
std::unique_ptr<CredentialsSource> make_web_identity_source(RoleRequest role, std::string token_file,
                                                            std::shared_ptr<Sts> sts, ReadFile read_file);

// Runs the program on the blocking pool. Its output appears in no error.
std::unique_ptr<CredentialsSource> make_program_source(std::vector<std::string> arguments, std::string origin,
                                                       RunProgram run_program);

}  // namespace haul::auth
