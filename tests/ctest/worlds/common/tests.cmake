# What every world uses. A test's own words are a script of the shell, so that no compiler is needed.

# The arguments of the calling function from number `first` on are names and values of properties; a value may be a list.
macro(set_given_properties name first count)
  set(index ${first})
  while(index LESS ${count})
    math(EXPR next "${index} + 1")
    set_property(TEST "${name}" PROPERTY "${ARGV${index}}" "${ARGV${next}}")
    math(EXPR index "${index} + 2")
  endwhile()
endmacro()

# say(NAME SCRIPT [PROPERTY VALUE …]): a test that executes the script.
function(say name script)
  add_test(NAME "${name}" COMMAND sh -c "${script}")
  set_given_properties("${name}" 2 ${ARGC})
endfunction()

# tell(NAME [PROPERTY VALUE …]): a test that tells the journal when it begins and when it ends, and takes $SECONDS in between
# (a variable of CMake's; default: nothing).
function(tell name)
  if(NOT DEFINED SECONDS)
    set(SECONDS 0)
  endif()
  say("${name}" "echo begin '${name}' >>\"$JOURNAL\"; sleep ${SECONDS}; echo end '${name}' >>\"$JOURNAL\"")
  set_given_properties("${name}" 1 ${ARGC})
endfunction()
