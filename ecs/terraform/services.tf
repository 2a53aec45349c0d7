# ---- one on each container instance, and the step that sets its alarms up ----

resource "aws_ecs_task_definition" "daemon" {
  count                    = var.single ? 0 : 1
  family                   = "poolwarden"
  network_mode             = "host"
  requires_compatibilities = ["EC2"]
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.daemon])

  volume {
    name      = "state"
    host_path = "/var/lib/poolwarden"
  }
}

resource "aws_ecs_service" "daemon" {
  count                              = var.single ? 0 : 1
  name                               = "poolwarden"
  cluster                            = var.cluster
  task_definition                    = aws_ecs_task_definition.daemon[0].arn
  launch_type                        = "EC2"
  scheduling_strategy                = "DAEMON"
  deployment_minimum_healthy_percent = 0
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  depends_on                         = [aws_iam_role_policy.publish, aws_iam_role_policy.execution, aws_iam_role_policy.secrets]

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

resource "aws_ecs_task_definition" "setup_alarms" {
  count                    = var.single ? 0 : 1
  family                   = "poolwarden-setup-alarms"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = "256"
  memory                   = "512"
  task_role_arn            = aws_iam_role.setup[0].arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.setup_alarms])

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "state"
  }

  volume {
    name = "run"
  }
}

locals {
  run = {
    cluster        = var.cluster
    taskDefinition = "poolwarden-setup-alarms"
    launchType     = "FARGATE"
    count          = 1
    startedBy      = "deploy"
    networkConfiguration = {
      awsvpcConfiguration = {
        subnets        = var.subnets
        securityGroups = var.security_groups
        assignPublicIp = "DISABLED"
      }
    }
  }
}

output "setup_alarms" {
  description = "A step of each deployment."
  value       = "aws ecs run-task --region ${var.region} --cli-input-json '${jsonencode(local.run)}'"
}

# ---- the only one, on Fargate ----

resource "aws_ecs_task_definition" "single" {
  count                    = var.single ? 1 : 0
  family                   = "poolwarden-single"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = "256"
  memory                   = "512"
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.only])

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "state"
  }

  volume {
    name = "run"
  }
}

resource "aws_ecs_service" "single" {
  count                              = var.single ? 1 : 0
  name                               = "poolwarden-single"
  cluster                            = var.cluster
  task_definition                    = aws_ecs_task_definition.single[0].arn
  launch_type                        = "FARGATE"
  scheduling_strategy                = "REPLICA"
  desired_count                      = 1
  deployment_maximum_percent         = 200
  deployment_minimum_healthy_percent = 100
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  depends_on                         = [aws_iam_role_policy.publish, aws_iam_role_policy.execution, aws_iam_role_policy.login]

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnets
    security_groups  = var.security_groups
    assign_public_ip = false
  }
}
