# The same containers as in ecs/*.task.json.
locals {
  container = {
    name                   = "poolwarden"
    image                  = var.image
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    memory                 = 128
    memoryReservation      = 32
    stopTimeout            = 30
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = "/ecs/poolwarden"
        awslogs-region        = var.region
        awslogs-stream-prefix = "poolwarden"
        awslogs-create-group  = "true"
        mode                  = "non-blocking"
      }
    }
  }

  checked = {
    healthCheck = {
      command     = ["CMD", "/usr/bin/poolwarden", "--health"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 120
    }
  }

  on_instance = {
    portMappings          = [{ containerPort = 8125, hostPort = 8125, protocol = "udp" }]
    mountPoints           = [{ sourceVolume = "state", containerPath = "/var/lib/poolwarden", readOnly = false }]
    dockerSecurityOptions = ["no-new-privileges"]
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { drop = ["ALL"] }
      tmpfs = [{
        containerPath = "/run/poolwarden"
        size          = 1
        mountOptions  = ["uid=65532", "gid=65532", "mode=0700"]
      }]
    }
  }

  # No host: no directory of it, no tmpfs, no security options. The volumes take their owner from the image.
  on_fargate = {
    portMappings = []
    mountPoints = [
      { sourceVolume = "state", containerPath = "/var/lib/poolwarden", readOnly = false },
      { sourceVolume = "run", containerPath = "/run/poolwarden", readOnly = false },
    ]
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { drop = ["ALL"] }
    }
  }

  of_daemon = {
    environment = [
      { name = "POOLWARDEN_DATABASE_NAME", value = var.database },
      { name = "POOLWARDEN_AGENT_LOG_FORMAT", value = "json" },
      { name = "POOLWARDEN_CLOUDWATCH_REGION", value = var.region },
      { name = "POOLWARDEN_CLOUDWATCH_DIMENSION_Environment", value = var.environment },
      { name = "POOLWARDEN_ALARMS_PROVISION", value = "off" },
      { name = "POOLWARDEN_ALARMS_ACTIONS", value = var.alarm_topic_arn },
      { name = "POOLWARDEN_DATABASE_IDENTIFIER", value = var.database },
      { name = "POOLWARDEN_STATSD_LISTEN", value = "0.0.0.0:8125" },
      { name = "POOLWARDEN_STATSD_DATABASE", value = var.database },
      { name = "POOLWARDEN_STATSD_MAX_POOLS", value = "32" },
    ]
    secrets = [{ name = "DATABASE_URL", valueFrom = local.url_secret }]
  }

  of_single = {
    environment = [
      { name = "DATABASE_URL", value = var.database_url },
      { name = "POOLWARDEN_DATABASE_NAME", value = var.database },
      { name = "POOLWARDEN_AGENT_LOG_FORMAT", value = "json" },
      { name = "POOLWARDEN_CLOUDWATCH_REGION", value = var.region },
      { name = "POOLWARDEN_CLOUDWATCH_DIMENSION_Environment", value = var.environment },
      { name = "POOLWARDEN_ALARMS_ACTIONS", value = var.alarm_topic_arn },
      { name = "POOLWARDEN_DATABASE_AUTH", value = "iam" },
      { name = "POOLWARDEN_DATABASE_IDENTIFIER", value = var.database },
    ]
    secrets = []
  }

  setting_up = { command = ["--setup-alarms"] }

  daemon       = merge(local.container, local.checked, local.on_instance, local.of_daemon)
  setup_alarms = merge(local.container, local.on_fargate, local.of_daemon, local.setting_up)
  only         = merge(local.container, local.checked, local.on_fargate, local.of_single)
}
