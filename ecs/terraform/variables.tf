variable "region" {
  type = string
}

variable "cluster" {
  description = "The ARN of the ECS cluster."
  type        = string
}

variable "image" {
  description = "Of the Dockerfile, in a repository of ECR that is called poolwarden."
  type        = string
}

variable "environment" {
  description = "The dimension Environment of every metric."
  type        = string
}

variable "database" {
  description = "The dimension DBInstanceIdentifier: the instance's own identifier."
  type        = string
}

variable "alarm_topic_arn" {
  description = "The SNS topic that the alarms tell."
  type        = string
}

variable "subnets" {
  description = "For what runs on Fargate: with a route to the database, to CloudWatch and to ECR."
  type        = list(string)
}

variable "security_groups" {
  description = "For what runs on Fargate."
  type        = list(string)
}

variable "single" {
  description = "One agent on Fargate, which logs in by RDS IAM authentication, instead of one on each container instance."
  type        = bool
  default     = false
}

variable "database_url" {
  description = "For the single one: without a password. The daemon reads the secret poolwarden/DATABASE-url."
  type        = string
  default     = ""
}

variable "db_resource_id" {
  description = "For the single one: the DbiResourceId of the instance, or the DbClusterResourceId of an Aurora cluster."
  type        = string
  default     = ""
}

variable "instance_security_group" {
  description = "Of the container instances: admits StatsD from statsd_clients."
  type        = string
  default     = ""
}

variable "statsd_clients" {
  description = "Security groups of tasks in awsvpc mode that send StatsD to their instance."
  type        = set(string)
  default     = []
}
