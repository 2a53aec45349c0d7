/*
 * AWS's shared files, ~/.aws/config and ~/.aws/credentials, as botocore reads them.
 *
 *     profiles_load(env, &profiles, &err);
 *     const char *name = profiles_selected(profiles);           "default", or what was chosen
 *     const char *region = profiles_get(profiles, name, "region");
 *     profiles_free(profiles);
 *
 * Read anew for each use, because people change them under a running agent. Where: AWS_CONFIG_FILE
 * and AWS_SHARED_CREDENTIALS_FILE, else the two above; ~, $NAME and ${NAME} in a path are replaced.
 * Which profile: credentials_env.profile, else AWS_DEFAULT_PROFILE, else AWS_PROFILE, else
 * "default". Keys are compared without case; where both files have one, credentials wins.
 *
 *     [profile NAME] [profile "A B"] [default]     in config; [NAME] in credentials
 *     [services NAME]                              a block of settings for each service:
 *     cloudwatch =
 *       endpoint_url = http://127.0.0.1:4566
 *
 * (AWS CLI: "Configuration and credential file settings"; botocore's configloader.py.)
 */
#pragma once

#include <stdbool.h>

#include "aws/credentials/credentials.h"

struct profiles;

enum profiles_file { PROFILES_CONFIG, PROFILES_CREDENTIALS };

/*
 * Files that do not exist are empty. ERR_CONFIG: a file that can not be read or has lines that are
 * none ("FILE:LINE: ..."), or a profile that was chosen by name and is in neither file.
 */
PW_CHECK bool profiles_load(const struct credentials_env *env, struct profiles **out,
                            struct err *err);
void profiles_free(struct profiles *profiles); /* wipes; NULL is fine */

const char *profiles_selected(const struct profiles *profiles);
bool profiles_has(const struct profiles *profiles, const char *name);

/* "/home/a/.aws/config and /home/a/.aws/credentials": for messages. */
const char *profiles_place(const struct profiles *profiles);

/* All below: NULL when there is none or it is empty; borrowed from profiles. */
const char *profiles_get(const struct profiles *profiles, const char *name, const char *key);
const char *profiles_get_from(const struct profiles *profiles, enum profiles_file file,
                              const char *name, const char *key);

/* A setting of one service: from the block that the profile's key `services` names. */
const char *profiles_get_service(const struct profiles *profiles, const char *name,
                                 const char *service, const char *key);

/* An environment variable, or else a key of the chosen profile. */
const char *profiles_setting(const struct profiles *profiles, const struct credentials_env *env,
                             const char *variable, const char *key);

/* A path with ~, $NAME and ${NAME} replaced; owned by the caller. */
char *profiles_expand(const struct credentials_env *env, const char *path);
