# What is installed, and the Debian package of it:
#   cmake --preset release && cmake --build build/release && cpack --config build/release/CPackConfig.cmake
# With SOURCE_DATE_EPOCH in the environment the same source makes the same package.
set(doc share/doc/poolwarden)
set(units lib/systemd/system)

# Manual pages and the change log lie compressed on a Debian system.
set(compressed)
foreach(file IN ITEMS man/poolwarden.1 man/agent.conf.5 CHANGELOG.md)
  get_filename_component(name ${file} NAME)
  set(out ${CMAKE_BINARY_DIR}/${name}.gz)
  add_custom_command(OUTPUT ${out} COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/${file} > ${out}
                     DEPENDS ${CMAKE_SOURCE_DIR}/${file} VERBATIM)
  list(APPEND compressed ${out})
endforeach()
add_custom_target(compressed ALL DEPENDS ${compressed})

install(TARGETS poolwarden RUNTIME DESTINATION bin)
install(FILES systemd/poolwarden.service systemd/poolwarden-setup-alarms.service DESTINATION ${units})
install(FILES systemd/poolwarden.service.d/logs.conf DESTINATION ${units}/poolwarden.service.d)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME poolwarden.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME poolwarden.conf)
install(FILES ${CMAKE_BINARY_DIR}/poolwarden.1.gz DESTINATION share/man/man1)
install(FILES ${CMAKE_BINARY_DIR}/agent.conf.5.gz DESTINATION share/man/man5)
install(FILES ${CMAKE_BINARY_DIR}/CHANGELOG.md.gz DESTINATION ${doc} RENAME changelog.gz)
install(FILES LICENSE DESTINATION ${doc} RENAME copyright)
install(FILES README.md DESTINATION ${doc})
# Never over one that somebody has edited.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}/etc/poolwarden/agent.conf\")
    file(INSTALL DESTINATION /etc/poolwarden TYPE FILE RENAME agent.conf
         PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ FILES \"${CMAKE_SOURCE_DIR}/agent.conf.example\")
  endif()")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "the poolwarden authors")
set(CPACK_PACKAGE_CONTACT "the poolwarden authors <poolwarden@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "PostgreSQL connections and pool timeouts to CloudWatch")
set(CPACK_PACKAGE_DESCRIPTION
"Samples pg_stat_activity and the counters of connection pools every second,
publishes every sample to CloudWatch, and keeps the alarms there at thresholds
read from the live servers.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "ca-certificates, procps, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "pgbouncer")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/packaging/conffiles ${CMAKE_SOURCE_DIR}/packaging/postinst
  ${CMAKE_SOURCE_DIR}/packaging/prerm ${CMAKE_SOURCE_DIR}/packaging/postrm)
include(CPack)
