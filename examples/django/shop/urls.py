from django.http import JsonResponse
from django.urls import path

from accounts.models import Profile


def health(request):
    return JsonResponse({"status": "ok"})


def profiles(request):
    return JsonResponse(list(Profile.objects.values("email", "full_name")), safe=False)


urlpatterns = [path("health", health), path("users", profiles)]
