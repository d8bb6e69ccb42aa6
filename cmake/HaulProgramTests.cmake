# haul_program_tests(FOLDER [NEEDS fixture...] [ALONE suite_test...]): every *_test.py of this folder is a test of the
# whole program, named FOLDER.suite_test. They share tests/e2e/harness.py, and the servers that they need, in which each
# has buckets and tables of its own. ALONE: suites that stop servers, or need all of the machine.
function(haul_program_tests folder)
  cmake_parse_arguments(PARSE_ARGV 1 tests "" "" "NEEDS;ALONE")
  haul_find_python()
  file(GLOB suites CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.py)
  foreach(suite ${suites})
    get_filename_component(name ${suite} NAME_WE)
    add_test(NAME ${folder}.${name} COMMAND ${HAUL_TEST_PYTHON} ${suite}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set(serial FALSE)
    if(name IN_LIST tests_ALONE)
      set(serial TRUE)
    endif()
    set_tests_properties(${folder}.${name} PROPERTIES LABELS "e2e;${folder}" RUN_SERIAL ${serial} TIMEOUT 900
      ENVIRONMENT "HAUL=$<TARGET_FILE:haul>;HAUL_FAKES3=$<TARGET_FILE:haul-fakes3>;HAUL_SERVICES_DATA=${CMAKE_BINARY_DIR}/services;PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/e2e"
      FIXTURES_REQUIRED "${tests_NEEDS}")
  endforeach()
endfunction()

# The judges are Python modules; a machine may have several Pythons, and the first is not always the one that has them.
function(haul_find_python)
  if(HAUL_TEST_PYTHON)
    return()
  endif()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  foreach(python ${Python3_EXECUTABLE} /usr/bin/python3)
    execute_process(COMMAND ${python} -c "import boto3, psycopg2, pymysql" RESULT_VARIABLE lacks OUTPUT_QUIET ERROR_QUIET)
    if(lacks EQUAL 0)
      set(HAUL_TEST_PYTHON ${python} CACHE FILEPATH "runs the tests of the whole program")
      return()
    endif()
  endforeach()
  message(WARNING "No Python here has boto3, psycopg2 and pymysql (scripts/setup installs them): tests will fail")
  set(HAUL_TEST_PYTHON ${Python3_EXECUTABLE} CACHE FILEPATH "runs the tests of the whole program")
endfunction()
