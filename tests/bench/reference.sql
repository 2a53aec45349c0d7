SELECT a.datid, a.usesysid, a.application_name, a.state,
       count(*)                                                             AS backends,
       count(*) FILTER (WHERE a.wait_event_type = 'Lock')                   AS waiting_on_lock,
       count(*) FILTER (WHERE a.state = 'active' AND a.query_start  < clock_timestamp() - interval '1 minute')    AS long_running,
       count(*) FILTER (WHERE a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '10 minutes') AS leaked,
       count(*) FILTER (WHERE a.state = 'idle'   AND a.state_change < clock_timestamp() - interval '5 minutes')   AS stale_idle,
       extract(epoch FROM clock_timestamp() - min(a.xact_start))::float8    AS oldest_xact_s,
       current_setting('max_connections'), current_setting('superuser_reserved_connections'),
       current_setting('reserved_connections', true),
       current_setting('rds.rds_superuser_reserved_connections', true), current_setting('rds.rds_reserved_connections', true),
       pg_is_in_recovery()
  FROM pg_stat_get_activity(NULL) a
 WHERE a.backend_type = 'client backend'
 GROUP BY 1, 2, 3, 4
