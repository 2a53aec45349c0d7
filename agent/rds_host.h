/*
 * What the name of an RDS or Aurora endpoint says. Pure.
 *
 *     orders-1.abcdefghijkl.eu-west-1.rds.amazonaws.com              an instance
 *     orders.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com        the writer of a cluster
 *     orders.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com     one of its readers, any
 *     reports.cluster-custom-abcdefghijkl.eu-west-1.rds.amazonaws.com   one of some, any
 *     orders.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com          an RDS Proxy
 *     orders-1.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn          an instance in China
 */
#pragma once

enum rds_endpoint { RDS_NONE, RDS_INSTANCE, RDS_WRITER, RDS_READER, RDS_CUSTOM, RDS_PROXY };

/* host: NULL is RDS_NONE. */
enum rds_endpoint rds_endpoint_of(const char *host);

/* The region in it, owned by the caller; NULL where rds_endpoint_of() is RDS_NONE. */
char *rds_region_of(const char *host);
