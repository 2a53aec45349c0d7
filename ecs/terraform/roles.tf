# The same policies as in ecs/iam/.
locals {
  trust = {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${var.region}:${local.account}:*" }
      }
    }]
  }

  publish = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Publish"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = "Application" } }
    }]
  }

  provision = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "CompareAlarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = ["*"]
      },
      {
        Sid    = "OwnAlarms"
        Effect = "Allow"
        Action = [
          "cloudwatch:PutMetricAlarm",
          "cloudwatch:DeleteAlarms",
          "cloudwatch:ListTagsForResource",
          "cloudwatch:TagResource",
        ]
        Resource = [
          "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:rds-high-connections-${var.database}",
          "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:prisma-pool-timeout-${var.database}",
          "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:connections-exhausted-${var.database}",
          "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:monitoring-silent-${var.database}",
        ]
        Condition = {
          "ForAllValues:StringLike" = {
            "cloudwatch:AlarmActions" = ["arn:aws:sns:${var.region}:${local.account}:*"]
          }
        }
      },
      {
        Sid    = "OwnDashboards"
        Effect = "Allow"
        Action = ["cloudwatch:GetDashboard", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"]
        Resource = [
          "arn:aws:cloudwatch::${local.account}:dashboard/poolwarden-Application-${var.environment}",
          "arn:aws:cloudwatch::${local.account}:dashboard/poolwarden-Application-${var.environment}-*",
        ]
      },
    ]
  }

  login = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "DbLogin"
      Effect   = "Allow"
      Action   = ["rds-db:connect"]
      Resource = ["arn:aws:rds-db:${var.region}:${local.account}:dbuser:${var.db_resource_id}/poolwarden"]
    }]
  }

  execution = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = ["arn:aws:ecr:${var.region}:${local.account}:repository/poolwarden"]
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:aws:logs:${var.region}:${local.account}:log-group:/ecs/poolwarden",
          "arn:aws:logs:${var.region}:${local.account}:log-group:/ecs/poolwarden:*",
        ]
      },
    ]
  }

  # A secret under a customer's key needs kms:Decrypt on that key, too.
  secrets = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [local.url_secret]
    }]
  }
}

resource "aws_iam_role" "task" {
  name               = "poolwarden-task"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "publish" {
  name   = "publish"
  role   = aws_iam_role.task.name
  policy = jsonencode(local.publish)
}

resource "aws_iam_role_policy" "login" {
  count  = var.single ? 1 : 0
  name   = "login"
  role   = aws_iam_role.task.name
  policy = jsonencode(local.login)
}

# The single one brings its alarms up to date itself; the daemon's are set up by a role that the daemon does not have.
resource "aws_iam_role" "setup" {
  count              = var.single ? 0 : 1
  name               = "poolwarden-setup"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "provision" {
  name   = "provision"
  role   = var.single ? aws_iam_role.task.name : aws_iam_role.setup[0].name
  policy = jsonencode(local.provision)
}

resource "aws_iam_role" "execution" {
  name               = "poolwarden-execution"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "execution" {
  name   = "execution"
  role   = aws_iam_role.execution.name
  policy = jsonencode(local.execution)
}

resource "aws_iam_role_policy" "secrets" {
  count  = var.single ? 0 : 1
  name   = "secrets"
  role   = aws_iam_role.execution.name
  policy = jsonencode(local.secrets)
}
