# poolwarden on ECS: a daemon on each container instance (EC2), or a single one on Fargate.
#
#   terraform apply
#   eval "$(terraform output -raw setup_alarms)"     # with the daemon: as a step of each deployment
#
# The container instances need what ecs/user-data.sh does.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_secretsmanager_secret" "url" {
  count = var.single ? 0 : 1
  name  = "poolwarden/${var.database}-url"
}

locals {
  account    = data.aws_caller_identity.current.account_id
  url_secret = one(data.aws_secretsmanager_secret.url[*].arn)
}

resource "aws_cloudwatch_log_group" "agent" {
  name              = "/ecs/poolwarden"
  retention_in_days = 30
}

# What the daemon listens on for tasks in awsvpc mode, which have addresses of their own.
resource "aws_vpc_security_group_ingress_rule" "statsd" {
  for_each                     = var.statsd_clients
  security_group_id            = var.instance_security_group
  referenced_security_group_id = each.value
  ip_protocol                  = "udp"
  from_port                    = 8125
  to_port                      = 8125
}
