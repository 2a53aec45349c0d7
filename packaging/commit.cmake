# Writes HEADER, which says which commit is built: COMMIT if given, else git's HEAD in SOURCE with
# "-changed" when files differ from it, else "unknown".
function(git OUT)
  # Without the lock that somebody's own commit may need at this moment.
  execute_process(COMMAND git --no-optional-locks -C ${SOURCE} ${ARGN} OUTPUT_VARIABLE said ERROR_QUIET
                  RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    set(said "")
  endif()
  set(${OUT} "${said}" PARENT_SCOPE)
endfunction()

if(COMMIT STREQUAL "")
  # A repository around an unpacked source says nothing about it.
  git(top rev-parse --show-toplevel)
  file(REAL_PATH ${SOURCE} real_source)
  if(NOT top STREQUAL "" AND top STREQUAL real_source)
    git(COMMIT rev-parse --short=12 HEAD)
    git(changes status --porcelain --untracked-files=no)
    if(NOT changes STREQUAL "")
      string(APPEND COMMIT "-changed")
    endif()
  endif()
endif()
if(COMMIT STREQUAL "")
  set(COMMIT "unknown")
endif()
if(NOT COMMIT MATCHES "^[0-9A-Za-z._-]+$")
  message(FATAL_ERROR "POOLWARDEN_COMMIT: \"${COMMIT}\" is no commit")
endif()

set(text "#pragma once\n\n#define POOLWARDEN_COMMIT \"${COMMIT}\"\n")
set(before "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} before)
endif()
if(NOT text STREQUAL before)
  file(WRITE ${HEADER} "${text}")
endif()
