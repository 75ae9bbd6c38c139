/* This module publishes the configuration in force (service.h). Any thread may call it. */
#include "proxy/service.h"

void service_publish(struct service *service, struct config *config)
{
    pthread_mutex_lock(&service->mutex);
    struct config *old = service->config;
    service->config = config;
    pthread_mutex_unlock(&service->mutex);
    config_unref(old);
}

struct config *service_config(struct service *service)
{
    pthread_mutex_lock(&service->mutex);
    struct config *config = config_ref(service->config);
    pthread_mutex_unlock(&service->mutex);
    return config;
}
